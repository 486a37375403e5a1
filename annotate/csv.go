package annotate

// AppendCSV appends a CSV field, quoted where RFC 4180 section 2 asks for it.
func AppendCSV[T string | []byte](dst []byte, s T) []byte {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		c := s[i]
		plain = c != '"' && c != ',' && c != '\n' && c != '\r'
	}
	if plain {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}
