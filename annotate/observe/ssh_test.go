package observe

// sshKex gives a banner and the start of the first key exchange.
func sshKex(methods string) string {
	return cat("SSH-2.0-OpenSSH_9.9\r\n", u32(500), 6, 20, filler(16), u32(len(methods)), methods, u32(11), "ssh-ed25519")
}

var sshSamples = []sample{
	{name: "both", transport: tcp, sent: [2]string{"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-dropbear_2022.83\r\n"}, of: SSH, want: SSH, strength: Full, text: "OpenSSH_9.2"},
	{name: "key exchange", transport: tcp, sent: [2]string{"", sshKex("curve25519-sha256,ext-info-s,kex-strict-s-v00@openssh.com")}, of: SSH, want: SSH, strength: Full, server: Destination, text: "OpenSSH_9.9"},
	{name: "key exchange of a client", transport: tcp, sent: [2]string{sshKex("curve25519-sha256,ext-info-c"), sshKex("curve25519-sha256")}, of: SSH, want: SSH, strength: Full, server: Destination, text: "OpenSSH_9.9"},
	{name: "a program that is no server", transport: tcp, sent: [2]string{"SSH-2.0-PuTTY_Release_0.78\r\n"}, of: SSH, want: SSH, strength: Full, server: Destination, text: "PuTTY_Release_0.78"},
	{name: "version 1", transport: tcp, sent: [2]string{"", "SSH-1.99-Cisco-1.25\n"}, of: SSH, want: SSH, strength: Full, text: "Cisco-1.25"},
	{name: "no version", transport: tcp, sent: [2]string{"SSH-agent is running\r\n"}, of: SSH},
	{name: "version 3", transport: tcp, sent: [2]string{"SSH-3.0-x\r\n"}, of: SSH},
	{name: "bytes that are no text", transport: tcp, sent: [2]string{"SSH-2.0-\x00\x01\x02\r\n"}, of: SSH},
}
