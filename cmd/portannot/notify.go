package main

import (
	"context"
	"net"
	"os"
)

// notifier tells the service manager how far the program is: sd_notify(3). Its socket is
// opened before the sandbox forbids that.
type notifier struct{ conn net.Conn }

// newNotifier returns nil where no manager asks: NOTIFY_SOCKET names its socket.
func newNotifier(ctx context.Context) *notifier {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		return nil // then the manager does not hear of us, which it reports
	}
	n := &notifier{conn}
	context.AfterFunc(ctx, func() { n.say("STOPPING=1") })
	return n
}

// ready says that the sources are open and the rights given up.
func (n *notifier) ready() { n.say("READY=1") }

func (n *notifier) say(state string) {
	if n != nil {
		_, _ = n.conn.Write([]byte(state)) // nobody can be told
	}
}
