package cli

import "strings"

// Shells are those with a completion script.
var Shells = []string{"bash", "zsh", "fish", "powershell"}

// Complete gives the script with which a shell completes the program's commands,
// flags, their values, and file names; false for a shell that it does not know.
func Complete(program *Command, shell string) (string, bool) {
	list := completed(program)
	switch strings.ToLower(shell) {
	case "bash":
		return bashCompletion(list), true
	case "zsh":
		return zshCompletion(list), true
	case "fish":
		return fishCompletion(list), true
	case "powershell", "pwsh":
		return powershellCompletion(list), true
	}
	return "", false
}

// completedCommand is a command as shells see it.
type completedCommand struct {
	path    string // "registry diff"; empty for the program
	about   string
	flags   []Flag // those that are shown, --help among them
	args    Kind
	choices []string // arguments that can be named
}

// completed lists what is completed.
func completed(program *Command) []completedCommand {
	var list []completedCommand
	for _, c := range program.All() {
		p := completedCommand{about: c.Short, args: c.Args, choices: c.Words}
		p.path = strings.TrimPrefix(strings.TrimPrefix(c.Path(), program.Name), " ")
		for _, g := range c.shown() {
			p.flags = append(p.flags, g.Flags...)
		}
		list = append(list, p)
	}
	return list
}

// below lists the words that may follow a command's own: "info", "check" ...
// behind "registry", and all commands behind "".
func below(list []completedCommand, path string) []completedCommand {
	var subs []completedCommand
	for _, c := range list {
		if c.path != "" && parentOf(c.path) == path {
			subs = append(subs, c)
		}
	}
	return subs
}

// parentOf gives "registry" for "registry diff", and "" for "registry".
func parentOf(path string) string {
	i := strings.LastIndexByte(path, ' ')
	return path[:max(i, 0)]
}

// word gives the last word of a command: "diff".
func (c *completedCommand) word() string { return c.path[strings.LastIndexByte(c.path, ' ')+1:] }
