package observe

// table lists the recognisers in their order of preference: those that leave
// least to chance first. The lines of a protocol with a fixed greeting or a
// long structure come before those that only have a short header.
var table = append(append([]recogniser{}, internet...), industry...)

// internet are the protocols of networks in general: security, the web, names,
// mail, directories, voice, routing.
var internet = []recogniser{
	{TLS, onTCP, 6, "\x14\x15\x16\x17\x80", findTLS},
	{SSH, onTCP | onSCTP, 4, "S", findSSH},
}
