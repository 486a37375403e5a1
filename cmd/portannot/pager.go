package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
)

// page prints text, on a terminal through a pager: the one that PAGER names, or
// less if there is one. PAGER= or PAGER=cat prints it as it is.
func (e *env) page(ctx context.Context, text string) error {
	if out, ok := asFile(e.stdout); ok && isTerminal(out) {
		if cmd := pager(ctx); cmd != nil {
			cmd.Stdin = strings.NewReader(text)
			cmd.Stdout, cmd.Stderr = out, e.stderr
			if err := cmd.Start(); err == nil {
				cmd.Wait() // how a reader leaves a pager is no failure
				return nil
			}
		}
	}
	_, err := io.WriteString(e.stdout, text)
	return err
}

// pager gives the command that shows text page by page, or nil for none.
func pager(ctx context.Context) *exec.Cmd {
	command, set := os.LookupEnv("PAGER")
	if !set {
		command = "less"
	}
	words := strings.Fields(command)
	if len(words) == 0 || words[0] == "cat" {
		return nil
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		return nil
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	if os.Getenv("LESS") == "" {
		cmd.Env = append(os.Environ(), "LESS=FRX") // a text that fits is only printed
	}
	return cmd
}
