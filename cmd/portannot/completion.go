package main

import "context"

const completionHelp = `usage: portannot completion bash|zsh|fish|powershell
`

func runCompletion(_ context.Context, e *env, args []string) error {
	return parse(e.newFlags("completion", completionHelp), args)
}
