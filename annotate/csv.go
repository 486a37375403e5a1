package annotate

// AppendCSV appends a CSV field, quoted where RFC 4180 section 2 requires it. The text
// may come from outside, so AppendCSV escapes what AppendVisible does, except line
// feeds. It also escapes a first byte of "=", "+", "-", "@" or a tab, as \x3d and so
// on, unless the field is a number: a spreadsheet would take such a cell for a
// formula.
func AppendCSV[T string | []byte](dst []byte, s T) []byte {
	if len(s) == 0 {
		return dst
	}
	quote, visible := false, true
	for i := 0; i < len(s); i++ {
		c := s[i]
		quote = quote || c == '"' || c == ',' || c == '\n' || c == '\r'
		visible = visible && c >= ' ' && c < 0x7f
	}
	formula := s[0] == '=' || s[0] == '@' || s[0] == '\t' || (s[0] == '+' || s[0] == '-') && !isNumber(s)
	if !quote && visible && !formula {
		return append(dst, s...)
	}
	if quote {
		dst = append(dst, '"')
	}
	for from, i := 0, 0; i <= len(s); i++ {
		switch {
		case i == 0 && formula:
			dst = append(append(dst, `\x`...), hexDigits[s[0]>>4], hexDigits[s[0]&15])
			from = 1
		case i == len(s):
			dst = AppendVisible(dst, s[from:])
		case s[i] == '"':
			dst = append(AppendVisible(dst, s[from:i]), `""`...)
			from = i + 1
		case s[i] == '\n':
			dst = append(AppendVisible(dst, s[from:i]), '\n')
			from = i + 1
		}
	}
	if quote {
		dst = append(dst, '"')
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// isNumber reports a decimal number with a sign: digits and points.
func isNumber[T string | []byte](s T) bool {
	for i := 1; i < len(s); i++ {
		if (s[i] < '0' || s[i] > '9') && s[i] != '.' {
			return false
		}
	}
	return true
}
