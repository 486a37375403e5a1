package iana

// PPIDName returns the name of an SCTP payload protocol identifier in IANA's list
// "SCTP Payload Protocol Identifiers" (RFC 9260 section 15.5), or "" if the list
// has none. Like a port, an identifier does not tell what the payload really is.
func PPIDName(id uint32) string {
	if id < uint32(len(ppidNames)) {
		return ppidNames[id]
	}
	return ""
}

var ppidNames = [...]string{
	0: "unspecified", 1: "IUA", 2: "M2UA", 3: "M3UA", 4: "SUA", 5: "M2PA", 6: "V5UA", 7: "H.248", 8: "BICC",
	9: "TALI", 10: "DUA", 11: "ASAP", 12: "ENRP", 13: "H.323", 14: "Q.IPC", 15: "SIMCO",
	16: "DDP segment", 17: "DDP stream session control", 18: "S1AP", 19: "RUA", 20: "HNBAP",
	21: "ForCES-HP", 22: "ForCES-MP", 23: "ForCES-LP", 24: "SBc-AP", 25: "NBAP", 27: "X2AP",
	28: "IRCP", 29: "LCS-AP", 30: "MPICH2", 31: "SABP", 32: "FGP", 33: "PPP", 34: "CALCAPP", 35: "SSP",
	36: "NPMP control", 37: "NPMP data", 38: "echo", 39: "discard", 40: "daytime", 41: "chargen",
	42: "RNA", 43: "M2AP", 44: "M3AP", 45: "SSH", 46: "Diameter", 47: "Diameter over DTLS", 48: "R14P",
	50: "WebRTC DCEP", 51: "WebRTC string", 52: "WebRTC binary partial", 53: "WebRTC binary",
	54: "WebRTC string partial", 55: "PUA", 56: "WebRTC string empty", 57: "WebRTC binary empty",
	58: "XwAP", 59: "Xw control plane", 60: "NGAP", 61: "XnAP", 62: "F1AP", 63: "HTTP", 64: "E1AP",
	65: "ELE2", 66: "NGAP over DTLS", 67: "XnAP over DTLS", 68: "F1AP over DTLS", 69: "E1AP over DTLS",
	70: "E2-CP", 71: "E2-UP", 72: "E2-DU", 73: "W1AP",
}
