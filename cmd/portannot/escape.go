package main

import "github.com/portannot/portannot/annotate"

// escaped gives text from outside as a terminal can show it.
func escaped(s string) string { return string(annotate.AppendVisible(nil, s)) }
