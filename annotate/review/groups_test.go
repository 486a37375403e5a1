package review

import (
	"fmt"
	"testing"
)

// Where not all findings are listed, each port has its share of them, and all are
// counted by port.
func TestGroups(t *testing.T) {
	s := newScene(t, Options{Policy: policy(t, "version: 1\nexpected: []\n")})
	for i := range 60 {
		s.flow(fmt.Sprintf("10.0.0.1:50000 10.9.%d.%d:443/tcp closed", i/30, i%30+1))
	}
	s.flow("10.0.0.1:50000 10.9.9.9:22/tcp closed")
	s.flow("10.0.0.1:50000 [2001:db8::9]:22/tcp closed")
	r := s.c.Report(Context{Findings: 10, Grouped: true})
	ports := map[uint16]int{}
	for i := range r.Findings {
		for j := range r.Services {
			if r.Services[j].ID == r.Findings[i].Service {
				ports[r.Services[j].Port]++
			}
		}
	}
	if len(r.Findings) != 10 || ports[443] != 8 || ports[22] != 2 {
		t.Errorf("%d are listed, by port %v", len(r.Findings), ports)
	}
	if got, want := fmt.Sprint(r.Groups), "[{not-in-policy warning 443 tcp 60 60 [{10.9.0.0/24 30} {10.9.1.0/24 30}] 0} "+
		"{not-in-policy warning 22 tcp 2 2 [{10.9.9.0/24 1} {2001:db8::/64 1}] 0}]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if r := s.c.Report(Context{Findings: 10}); len(r.Groups) != 0 || len(r.Findings) != 10 {
		t.Errorf("%d groups, %d findings", len(r.Groups), len(r.Findings))
	}
}
