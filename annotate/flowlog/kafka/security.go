package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Security says how to connect to brokers. The zero value is a plain connection
// without authentication.
type Security struct {
	TLS        bool
	CAFile     string // certificates to trust in place of the system's, PEM; "" for the system's
	CertFile   string // certificate of the client for mutual TLS, PEM; "" for none
	KeyFile    string // key of the certificate, PEM, not encrypted
	ServerName string // name that the brokers' certificates must have; "" is the host of the broker

	Mechanism string // SASL mechanism, one of Mechanisms; "" for none
	User      string // for PLAIN and SCRAM
	// Secret returns the password, or the token of OAUTHBEARER. It is called for
	// each authentication, so the secret may change meanwhile.
	Secret func() (string, error)
}

// Mechanisms lists the SASL mechanisms.
func Mechanisms() []string { return []string{"plain", "scram-sha-256", "scram-sha-512", "oauthbearer"} }

// maxSecret bounds a file with a secret, in bytes.
const maxSecret = 64 << 10

// SecretFile returns a function for Security.Secret that reads the secret from a
// file, without the newline at its end. If the process has lost the right to read
// the file, the function returns the secret that it read last.
func SecretFile(name string) func() (string, error) {
	var mu sync.Mutex
	var last string
	return func() (string, error) {
		s, err := readSecret(name)
		mu.Lock()
		defer mu.Unlock()
		if errors.Is(err, os.ErrPermission) && last != "" {
			return last, nil
		}
		if err == nil {
			last = s
		}
		return s, err
	}
}

func readSecret(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read secret: %w", err)
	case len(b) > maxSecret:
		return "", fmt.Errorf("read secret: %s has more than %d bytes", name, maxSecret)
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" {
		return "", fmt.Errorf("read secret: %s is empty", name)
	}
	return s, nil
}

// SecretEnv returns a function for Security.Secret that reads the secret from an
// environment variable.
func SecretEnv(name string) func() (string, error) {
	return func() (string, error) {
		if s := os.Getenv(name); s != "" {
			return s, nil
		}
		return "", fmt.Errorf("read secret: environment variable %s is not set", name)
	}
}

// clear reports that a secret would cross the network as it is.
func (s *Security) clear() bool {
	return !s.TLS && (s.Mechanism == "plain" || s.Mechanism == "oauthbearer")
}

// options gives the options of the client library. The secret is read once, so
// that its absence is told at once.
func (s *Security) options() ([]kgo.Opt, error) {
	var opts []kgo.Opt
	if s.TLS {
		config, err := s.tls()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(config))
	}
	if s.Mechanism == "" {
		return opts, nil
	}
	if s.Secret == nil {
		return nil, errors.New("SASL: no secret")
	}
	if _, err := s.Secret(); err != nil {
		return nil, fmt.Errorf("SASL: %w", err)
	}
	if s.User == "" && s.Mechanism != "oauthbearer" {
		return nil, fmt.Errorf("SASL %s: no user", s.Mechanism)
	}
	m, err := s.mechanism()
	if err != nil {
		return nil, err
	}
	return append(opts, kgo.SASL(m)), nil
}

func (s *Security) mechanism() (sasl.Mechanism, error) {
	scramAuth := func(context.Context) (scram.Auth, error) {
		secret, err := s.Secret()
		return scram.Auth{User: s.User, Pass: secret}, err
	}
	switch s.Mechanism {
	case "plain": // RFC 4616
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			secret, err := s.Secret()
			return plain.Auth{User: s.User, Pass: secret}, err
		}), nil
	case "scram-sha-256": // RFC 7677
		return scram.Sha256(scramAuth), nil
	case "scram-sha-512":
		return scram.Sha512(scramAuth), nil
	case "oauthbearer": // RFC 7628
		return oauth.Oauth(func(context.Context) (oauth.Auth, error) {
			secret, err := s.Secret()
			return oauth.Auth{Token: secret}, err
		}), nil
	}
	return nil, fmt.Errorf("SASL mechanism %q: want %s", s.Mechanism, strings.Join(Mechanisms(), ", "))
}

func (s *Security) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.ServerName}
	if s.CAFile == "" {
		// Read now, while files may be read.
		c.RootCAs, _ = x509.SystemCertPool()
	} else {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read certificates: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read certificates: %s has none in PEM", s.CAFile)
		}
	}
	if s.CertFile != "" || s.KeyFile != "" {
		cert, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read client certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{cert}
	}
	return c, nil
}
