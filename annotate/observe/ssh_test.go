package observe

var sshSamples = []sample{
	{name: "both", transport: tcp, sent: [2]string{"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-dropbear_2022.83\r\n"}, of: SSH, want: SSH, strength: Full, text: "OpenSSH_9.2"},
	{name: "version 1", transport: tcp, sent: [2]string{"", "SSH-1.99-Cisco-1.25\n"}, of: SSH, want: SSH, strength: Full, text: "Cisco-1.25"},
	{name: "no version", transport: tcp, sent: [2]string{"SSH-agent is running\r\n"}, of: SSH},
	{name: "version 3", transport: tcp, sent: [2]string{"SSH-3.0-x\r\n"}, of: SSH},
	{name: "octets that are no text", transport: tcp, sent: [2]string{"SSH-2.0-\x00\x01\x02\r\n"}, of: SSH},
}
