#include "textflag.h"
#include "go_asm.h"

// END writes where the lowest line end in DX is, and how many separators come
// before it.
#define END \
	TZCNTQ  DX, AX               \
	ADDL    R13, AX              \
	MOVW    AX, lineEnd_at(R11)  \
	BLSIQ   DX, R8               \
	DECQ    R8                   \
	ANDQ    R9, R8               \
	POPCNTQ R8, R8               \
	ADDL    R12, R8              \
	MOVW    R8, lineEnd_before(R11)

// func markAVX2(m *marks, data *byte, words int, sep uint8)
TEXT ·markAVX2(SB), NOSPLIT, $0-25
	MOVQ m+0(FP), DI
	MOVQ data+8(FP), SI
	MOVQ words+16(FP), CX
	VPBROADCASTB sep+24(FP), Y0
	MOVL $'\n', AX
	VMOVD AX, X1
	VPBROADCASTB X1, Y1
	MOVQ marks_all(DI), R12
	MOVQ marks_size(DI), R13
	MOVQ marks_lines(DI), R11
	LEAQ marks_ends(DI)(R11*4), R11
	MOVQ R13, R10
	SHRQ $3, R10
	LEAQ marks_separators(DI)(R10*1), R10

word:
	VMOVDQU   (SI), Y2
	VMOVDQU   32(SI), Y3
	VPCMPEQB  Y0, Y2, Y4
	VPCMPEQB  Y0, Y3, Y5
	VPCMPEQB  Y1, Y2, Y6
	VPCMPEQB  Y1, Y3, Y7
	VPMOVMSKB Y4, R9
	VPMOVMSKB Y5, BX
	VPMOVMSKB Y6, DX
	VPMOVMSKB Y7, R8
	SHLQ      $32, BX
	ORQ       BX, R9
	SHLQ      $32, R8
	ORQ       R8, DX
	MOVQ      R9, (R10)

	// Mostly no line ends here, or one: then the place is written in any
	// case, and counts only if there is one.
	END
	POPCNTQ DX, BX
	CMPQ    BX, $1
	JHI     lines
	LEAQ    (R11)(BX*4), R11

next:
	POPCNTQ R9, BX
	ADDQ    BX, R12
	ADDQ    $8, R10
	ADDQ    $64, SI
	ADDQ    $64, R13
	DECQ    CX
	JNZ     word

	MOVQ R12, marks_all(DI)
	MOVQ R13, marks_size(DI)
	LEAQ marks_ends(DI), AX
	SUBQ AX, R11
	SHRQ $2, R11
	MOVQ R11, marks_lines(DI)
	VZEROUPPER
	RET

lines:
	END
	ADDQ  $4, R11
	BLSRQ DX, DX
	JNZ   lines
	JMP   next
