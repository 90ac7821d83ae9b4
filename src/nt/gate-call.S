/* SPDX-License-Identifier: Apache-2.0 */
/*
 * us_gate_call: where every gate ends up, in Windows' calling convention, with r11 = the gate's struct and everything else
 * as the driver called. The four register arguments go to their home space above the return address, which makes one
 * array with the arguments on the stack.
 *
 *     enter(gate, arguments, return address) -> the function to call; NULL: it is made to fail
 *     function(the same arguments)
 *     leave(gate, result) -> the result
 */
#define STACK_ARGUMENTS 12 /* as many are passed on as any function has, and a line of output may want */

	.text
	.globl	us_gate_call
	.hidden	us_gate_call
	.type	us_gate_call, @function
us_gate_call:
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
	subq	$(8 + 32 + 8 * STACK_ARGUMENTS), %rsp

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
	.size	us_gate_call, . - us_gate_call

	.section .note.GNU-stack, "", @progbits
