/* SPDX-License-Identifier: Apache-2.0 */
/*
 * void us_fiber_jump(void **save, void *load): saves what System V's calling convention keeps on this stack and its pointer
 * in *save, and goes on where `load` was saved. (Functions of Windows' convention save the rest themselves before they
 * call here.)
 */
	.text
	.globl	us_fiber_jump
	.hidden	us_fiber_jump
	.type	us_fiber_jump, @function
us_fiber_jump:
	.cfi_startproc
	endbr64
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	subq	$8, %rsp
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	addq	$8, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
	.cfi_endproc
	.size	us_fiber_jump, . - us_fiber_jump

/* Where a new fiber begins: rbx is its struct. The outermost frame, for unwinders. */
	.globl	us_fiber_begin
	.hidden	us_fiber_begin
	.type	us_fiber_begin, @function
us_fiber_begin:
	.cfi_startproc
	.cfi_undefined rip
	endbr64
	movq	%rbx, %rdi
	xorl	%ebp, %ebp
	call	us_fiber_main
	ud2
	.cfi_endproc
	.size	us_fiber_begin, . - us_fiber_begin

	.section .note.GNU-stack, "", @progbits
