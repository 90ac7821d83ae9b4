/* SPDX-License-Identifier: Apache-2.0 */
/*
 * us_gate_call: where every gate ends up, in Windows' calling convention, with r11 = the gate's struct and everything else
 * as the driver called. The four register arguments go to their home space above the return address, which makes one
 * array with the arguments on the stack.
 *
 *     enter(gate, arguments, return address) -> the function to call; NULL: it is made to fail
 *     function(the same arguments)
 *     leave(gate, result) -> the result
 *
 * us_gate_call_raising: the same for functions that an exception may leave. It saves the registers that a function
 * preserves, where a handler finds them: struct us_gate_saved of gate.h.
 */
#define STACK_ARGUMENTS 12 /* as many are passed on as any function has, and a line of output may want */
#define SAVED (7 * 8 + 10 * 16) /* behind the gate's struct */

	.macro	gate name, saves, room
	.globl	\name
	.hidden	\name
	.type	\name, @function
\name:
	.cfi_startproc
	endbr64
	movq	%rcx, 8(%rsp)
	movq	%rdx, 16(%rsp)
	movq	%r8, 24(%rsp)
	movq	%r9, 32(%rsp)
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register rbp
	pushq	%r11
	subq	$(\room + 32 + 8 * STACK_ARGUMENTS), %rsp
	.if	\saves
	movq	%rbx, -16(%rbp)
	movq	%rsi, -24(%rbp)
	movq	%rdi, -32(%rbp)
	movq	%r12, -40(%rbp)
	movq	%r13, -48(%rbp)
	movq	%r14, -56(%rbp)
	movq	%r15, -64(%rbp)
	.irp	n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movaps	%xmm\n, (16 * (\n - 6) - 224)(%rbp)
	.endr
	.endif

	movq	%r11, %rcx
	leaq	16(%rbp), %rdx
	movq	8(%rbp), %r8
	call	us_nt_gate_enter
	testq	%rax, %rax
	jz	1f

	.set	i, 0
	.rept	STACK_ARGUMENTS
	movq	(48 + 8 * i)(%rbp), %r10
	movq	%r10, (32 + 8 * i)(%rsp)
	.set	i, i + 1
	.endr
	movq	16(%rbp), %rcx
	movq	24(%rbp), %rdx
	movq	32(%rbp), %r8
	movq	40(%rbp), %r9
	call	*%rax

	movq	-8(%rbp), %rcx
	movq	%rax, %rdx
	call	us_nt_gate_leave
	leave
	.cfi_def_cfa rsp, 8
	ret
	.cfi_def_cfa rbp, 16
1:
	movq	-8(%rbp), %rcx
	call	us_nt_gate_failed
	leave
	.cfi_def_cfa rsp, 8
	ret
	.cfi_endproc
	.size	\name, . - \name
	.endm

	.text
	gate	us_gate_call, 0, 8
	gate	us_gate_call_raising, 1, SAVED

	.section .note.GNU-stack, "", @progbits
