package sandbox

import "golang.org/x/sys/unix"

const machine = unix.AUDIT_ARCH_AARCH64

// refusedOld and refusedOldFiles are calls of older machines. arm64 has none.
var refusedOld, refusedOldFiles []uint32
