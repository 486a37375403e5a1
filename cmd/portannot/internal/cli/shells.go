package cli

import (
	"fmt"
	"strings"
)

// Each of these writes the script for one shell. In all of them, "at" is the
// command whose flags are to be completed: "", "lookup", "registry diff". A
// command counts only as the first word, as in run.

// quote puts text between single quotes, for bash, zsh and fish. There are no
// quotes in the texts, as a test checks.
func quote(s string) string { return "'" + s + "'" }

// words gives the last words of commands.
func words(list []completedCommand) []string {
	var w []string
	for _, c := range list {
		w = append(w, c.word())
	}
	return w
}

func bashCompletion(list []completedCommand) string {
	var b strings.Builder
	b.WriteString(`# bash completion for portannot.
# shellcheck shell=bash

_portannot() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at='' words='' files='' line
    # Bash parts --flag=value into three words.
    if [[ $cur == = ]]; then
        cur=''
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    if (( COMP_CWORD > 1 )); then
        case ${COMP_WORDS[1]} in
`)
	for _, c := range below(list, "") {
		fmt.Fprintf(&b, "        %s)\n            at=%s\n", c.word(), quote(c.path))
		if subs := below(list, c.path); len(subs) > 0 {
			fmt.Fprintf(&b, "            if (( COMP_CWORD > 2 )); then\n                case ${COMP_WORDS[2]} in\n"+
				"                %s) at+=\" ${COMP_WORDS[2]}\" ;;\n                esac\n            fi\n", strings.Join(words(subs), " | "))
		}
		b.WriteString("            ;;\n")
	}
	b.WriteString("        esac\n    fi\n    case \"$at $prev\" in\n")
	for _, c := range list {
		for _, f := range c.flags {
			if f.Takes == None {
				continue
			}
			var patterns []string
			for _, s := range f.Spellings() {
				patterns = append(patterns, quote(c.path+" "+s))
			}
			fmt.Fprintf(&b, "    %s) %s;;\n", strings.Join(patterns, " | "), bashValues(f.Takes, f.Words))
		}
	}
	b.WriteString("    *)\n        case $at in\n")
	for _, c := range list {
		fmt.Fprintf(&b, "        %s)\n            if [[ $cur == -* ]]; then\n                words=%s\n            else\n                %s\n",
			quote(c.path), quote(strings.Join(flagWords(&c), " ")), bashValues(c.args, c.choices))
		if subs := below(list, c.path); len(subs) > 0 {
			own := 1
			if c.path != "" {
				own = 2
			}
			fmt.Fprintf(&b, "                if (( COMP_CWORD == %d )); then\n                    words+=%s\n                fi\n",
				own, quote(" "+strings.Join(words(subs), " ")))
		}
		b.WriteString("            fi\n            ;;\n")
	}
	b.WriteString(`        esac
        ;;
    esac
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(compgen -W "$words" -- "$cur")
    if [[ -n $files ]]; then
        # Bash 3.2, that of macOS, has no compopt.
        compopt -o filenames 2> /dev/null
        while IFS= read -r line; do
            COMPREPLY+=("$line")
        done < <(compgen -f -- "$cur")
    fi
}

complete -F _portannot portannot
`)
	return b.String()
}

// bashValues sets the variables words and files.
func bashValues(takes Kind, choices []string) string {
	s := ":"
	switch {
	case takes == Interface:
		s = "words=$(ls /sys/class/net 2> /dev/null)"
	case len(choices) > 0:
		s = "words=" + quote(strings.Join(choices, " "))
	}
	if takes.isFile() {
		s = strings.TrimPrefix(s+"; files=1", ":; ")
	}
	return s
}

// flagWords gives all spellings of a command's flags.
func flagWords(c *completedCommand) []string {
	var w []string
	for _, f := range c.flags {
		w = append(w, f.Spellings()...)
	}
	return w
}

func zshCompletion(list []completedCommand) string {
	var b strings.Builder
	b.WriteString(`#compdef portannot
# zsh completion for portannot.

# The words that are named, or a file.
_portannot_or_file() {
    _alternative "words:word:($*)" 'files:file:_files'
}

`)
	for _, c := range list {
		if subs := below(list, c.path); len(subs) > 0 {
			fmt.Fprintf(&b, "%s() {\n    local -a commands=(\n", zshCommands(&c))
			for _, s := range subs {
				fmt.Fprintf(&b, "        %s\n", quote(s.word()+":"+s.about))
			}
			b.WriteString("    )\n    _describe command commands\n")
			if c.args.isFile() {
				b.WriteString("    _files\n")
			}
			b.WriteString("}\n\n")
		}
	}
	b.WriteString("_portannot() {\n    local at=''\n    if (( CURRENT > 2 )); then\n        case $words[2] in\n")
	for _, c := range below(list, "") {
		fmt.Fprintf(&b, "        %s)\n            at=%s\n", c.word(), quote(c.path))
		if subs := below(list, c.path); len(subs) > 0 {
			fmt.Fprintf(&b, "            if (( CURRENT > 3 )); then\n                case $words[3] in\n"+
				"                %s) at+=\" $words[3]\" ;;\n                esac\n            fi\n", strings.Join(words(subs), "|"))
		}
		b.WriteString("            ;;\n")
	}
	b.WriteString("        esac\n    fi\n    # What follows sees the words of its own command only.\n" +
		"    local -a path_words=(${=at})\n    shift $#path_words words\n    (( CURRENT -= $#path_words ))\n    case $at in\n")
	for _, c := range list {
		fmt.Fprintf(&b, "    %s)\n        _arguments -s -S", quote(c.path))
		for _, f := range c.flags {
			b.WriteString(" \\\n            " + zshFlag(&f))
		}
		rest := "*: :" + zshAction(c.args, c.choices)
		if len(below(list, c.path)) > 0 {
			b.WriteString(" \\\n            " + quote("1: :"+zshCommands(&c)))
		}
		if c.args != None {
			b.WriteString(" \\\n            " + quote(rest))
		}
		b.WriteString("\n        ;;\n")
	}
	b.WriteString(`    esac
}

if [[ $funcstack[1] == _portannot ]]; then
    _portannot "$@"
else
    compdef _portannot portannot
fi
`)
	return b.String()
}

// zshCommands names the function that completes the words behind a command.
func zshCommands(c *completedCommand) string {
	return strings.TrimSuffix("_portannot_commands_"+c.path, "_")
}

// zshFlag gives a flag as _arguments takes it:
// '(-o --output)'{-o,--output}'[output format]:value:(text json)'.
func zshFlag(f *Flag) string {
	s := "--" + f.Long
	tail := ""
	if f.Takes != None {
		s += "="
		tail = ":value:" + zshAction(f.Takes, f.Words)
	}
	tail = "[" + f.Summary() + "]" + tail
	star := ""
	if f.Repeats {
		star = "*"
	}
	switch {
	case f.Short == "":
		return quote(star + s + tail)
	case f.Repeats:
		return fmt.Sprintf("'*'{-%s+,%s}%s", f.Short, s, quote(tail))
	case f.Takes != None:
		return fmt.Sprintf("'(-%s --%s)'{-%s+,%s}%s", f.Short, f.Long, f.Short, s, quote(tail))
	}
	return fmt.Sprintf("'(-%s --%s)'{-%s,%s}%s", f.Short, f.Long, f.Short, s, quote(tail))
}

func zshAction(takes Kind, choices []string) string {
	switch {
	case takes.isFile() && len(choices) > 0:
		return " _portannot_or_file " + strings.Join(choices, " ")
	case takes.isFile():
		return "_files"
	case takes == Interface:
		return "_net_interfaces"
	case len(choices) > 0:
		return "(" + strings.Join(choices, " ") + ")"
	}
	return " "
}

func fishCompletion(list []completedCommand) string {
	var b strings.Builder
	b.WriteString(`# fish completion for portannot.

function __portannot_at
    set -l words (commandline -opc)
    set -l at ''
    if set -q words[2]
        switch $words[2]
`)
	for _, c := range below(list, "") {
		fmt.Fprintf(&b, "            case %s\n                set at %s\n", c.word(), quote(c.path))
		if subs := below(list, c.path); len(subs) > 0 {
			fmt.Fprintf(&b, "                if set -q words[3]; and contains -- $words[3] %s\n"+
				"                    set at \"$at $words[3]\"\n                end\n", strings.Join(words(subs), " "))
		}
	}
	b.WriteString(`        end
    end
    test "$at" = "$argv[1]"
end

function __portannot_words
    test (count (commandline -opc)) -eq $argv[1]
end

`)
	for _, c := range list {
		at := fmt.Sprintf("complete -c portannot -n '__portannot_at \"%s\"'", c.path)
		if !c.args.isFile() {
			fmt.Fprintf(&b, "%s -f\n", at)
		}
		for i, s := range below(list, c.path) {
			if i == 0 {
				fmt.Fprintf(&b, "# The words behind %s.\n", strings.TrimSpace("portannot "+c.path))
			}
			n := len(strings.Fields(c.path)) + 1
			fmt.Fprintf(&b, "complete -c portannot -n '__portannot_words %d; and __portannot_at \"%s\"' -a %s -d %s\n", n, c.path, s.word(), quote(s.about))
		}
		if len(c.choices) > 0 {
			fmt.Fprintf(&b, "%s -a %s\n", at, quote(strings.Join(c.choices, " ")))
		}
		for _, f := range c.flags {
			b.WriteString(at + fishFlag(&f) + "\n")
		}
	}
	return b.String()
}

func fishFlag(f *Flag) string {
	s := " -l " + f.Long
	if f.Short != "" {
		s += " -s " + f.Short
	}
	switch f.Takes {
	case Text:
		s += " -x"
	case Interface:
		s += " -x -a '(ls /sys/class/net 2> /dev/null)'"
	case File, Output:
		s += " -r -F"
	}
	if len(f.Words) > 0 {
		s += " -a " + quote(strings.Join(f.Words, " "))
	}
	return s + " -d " + quote(f.Summary())
}

func powershellCompletion(list []completedCommand) string {
	var b strings.Builder
	b.WriteString(`# PowerShell completion for portannot.

Register-ArgumentCompleter -Native -CommandName portannot -ScriptBlock {
    param($word, $ast, $cursor)
    $before = @($ast.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object { $_.ToString() })
    # Commands, and what may follow them.
    $below = @{
`)
	for _, c := range list {
		if subs := below(list, c.path); len(subs) > 0 {
			fmt.Fprintf(&b, "        '%s' = [ordered]@{\n", c.path)
			for _, s := range subs {
				fmt.Fprintf(&b, "            '%s' = '%s'\n", s.word(), s.about)
			}
			b.WriteString("        }\n")
		}
	}
	b.WriteString("    }\n    # Flags, by command.\n    $flags = @{\n")
	for _, c := range list {
		fmt.Fprintf(&b, "        '%s' = [ordered]@{\n", c.path)
		for _, f := range c.flags {
			for _, s := range f.Spellings() {
				fmt.Fprintf(&b, "            '%s' = '%s'\n", s, f.Summary())
			}
		}
		b.WriteString("        }\n")
	}
	b.WriteString("    }\n    # Values of flags and arguments; an empty list stands for file names.\n    $values = @{\n")
	for _, c := range list {
		if c.args != None {
			fmt.Fprintf(&b, "        '%s ' = %s\n", c.path, powershellList(c.choices))
		}
		for _, f := range c.flags {
			if f.Takes == None {
				continue
			}
			for _, s := range f.Spellings() {
				fmt.Fprintf(&b, "        '%s %s' = %s\n", c.path, s, powershellList(f.Words))
			}
		}
	}
	b.WriteString(`    }
    $at = ''
    $depth = 1
    while ($before.Count -gt $depth -and $below.ContainsKey($at) -and $below[$at].Contains($before[$depth])) {
        $at = "$at $($before[$depth])".Trim()
        $depth++
    }
    $show = { param($text, $about) [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $about) }
    $key = "$at $($before[-1])"
    if ($before.Count -gt $depth -and $values.ContainsKey($key)) {
        $values[$key] | Where-Object { $_ -like "$word*" } | ForEach-Object { & $show $_ $_ }
        return
    }
    if ($word -like '-*') {
        $flags[$at].GetEnumerator() | Where-Object { $_.Key -like "$word*" } | ForEach-Object { & $show $_.Key $_.Value }
        return
    }
    if ($before.Count -eq $depth -and $below.ContainsKey($at)) {
        $below[$at].GetEnumerator() | Where-Object { $_.Key -like "$word*" } | ForEach-Object { & $show $_.Key $_.Value }
    }
    if ($values.ContainsKey("$at ")) {
        $values["$at "] | Where-Object { $_ -like "$word*" } | ForEach-Object { & $show $_ $_ }
    }
}
`)
	return b.String()
}

// powershellList gives @('text', 'json').
func powershellList(list []string) string {
	if len(list) == 0 {
		return "@()"
	}
	return "@('" + strings.Join(list, "', '") + "')"
}
