/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What applications and the driver share: the device interface, the control codes and their structures.
 *
 * Include <windows.h> and <winioctl.h> (an application) or <ntddk.h> (the driver) first. The structures are the same
 * for 32- and 64-bit applications. All requests may be asynchronous, and any number of them in flight from any number
 * of handles; the device serves them in order.
 *
 *     request                    access  input                output (or data)
 *     IOCTL_CRYPTO_GET_INFO      read    -                    CRYPTO_INFO
 *     IOCTL_CRYPTO_GET_STATISTICS read  -                     CRYPTO_STATISTICS
 *     IOCTL_CRYPTO_SET_KEY       read    CRYPTO_KEY_VALUE     -
 *     IOCTL_CRYPTO_ENCRYPT       read    CRYPTO_CIPHER        the data, encrypted in place
 *     IOCTL_CRYPTO_DECRYPT       read    CRYPTO_CIPHER        the data, decrypted in place
 *     IOCTL_CRYPTO_DIGEST        read    CRYPTO_MESSAGE_PART  the data, which is only read
 *     IOCTL_CRYPTO_GET_DIGEST    read    -                    CRYPTO_DIGEST_VALUE
 *     IOCTL_CRYPTO_RESET         write   -                    -
 *
 * "Access" is what the handle must have been opened with: the driver's security descriptor gives interactive users
 * read, administrators write access too.
 */
#ifndef UNDERSTUDY_CRYPTO_PUBLIC_H
#define UNDERSTUDY_CRYPTO_PUBLIC_H

/* {5B5E9F0C-6B0D-4C57-9C3A-2E0B6B1F7A44} */
DEFINE_GUID(GUID_DEVINTERFACE_CRYPTO, 0x5b5e9f0c, 0x6b0d, 0x4c57, 0x9c, 0x3a, 0x2e, 0x0b, 0x6b, 0x1f, 0x7a, 0x44);

#define CRYPTO_CODE(Function, Method, Access) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (Function), Method, Access)

#define IOCTL_CRYPTO_GET_INFO CRYPTO_CODE(0, METHOD_BUFFERED, FILE_READ_ACCESS)
#define IOCTL_CRYPTO_GET_STATISTICS CRYPTO_CODE(1, METHOD_BUFFERED, FILE_READ_ACCESS)
#define IOCTL_CRYPTO_SET_KEY CRYPTO_CODE(2, METHOD_BUFFERED, FILE_READ_ACCESS)
#define IOCTL_CRYPTO_ENCRYPT CRYPTO_CODE(3, METHOD_OUT_DIRECT, FILE_READ_ACCESS)
#define IOCTL_CRYPTO_DECRYPT CRYPTO_CODE(4, METHOD_OUT_DIRECT, FILE_READ_ACCESS)
#define IOCTL_CRYPTO_DIGEST CRYPTO_CODE(5, METHOD_IN_DIRECT, FILE_READ_ACCESS)
#define IOCTL_CRYPTO_GET_DIGEST CRYPTO_CODE(6, METHOD_BUFFERED, FILE_READ_ACCESS)
#define IOCTL_CRYPTO_RESET CRYPTO_CODE(7, METHOD_BUFFERED, FILE_WRITE_ACCESS)

#define CRYPTO_KEY_BYTES 32
#define CRYPTO_BLOCK_BYTES 16
#define CRYPTO_DIGEST_BYTES 32

/* Data of one request: more is refused with ERROR_INVALID_PARAMETER. */
#define CRYPTO_MAXIMUM_REQUEST (64u << 20)

enum crypto_interrupts {
	CryptoInterruptsNone = 0, /* the device is not started */
	CryptoInterruptsLine = 1, /* INTx, which may be shared */
	CryptoInterruptsOneMessage = 2,
	CryptoInterruptsMessages = 3, /* one message for each cause */
};

typedef struct _CRYPTO_INFO {
	ULONG DriverVersion; /* major << 16 | minor */
	ULONG DeviceVersion; /* the register VERSION */
	ULONG Features; /* the register FEATURES */
	ULONG MaximumCommand; /* bytes that the device processes in one command; more is split by the driver */
	ULONG MaximumRequest; /* CRYPTO_MAXIMUM_REQUEST */
	ULONG Interrupts; /* enum crypto_interrupts: what the system granted */
	ULONG Messages; /* how many messages it granted */
	ULONG Reserved;
} CRYPTO_INFO;

/* Since the driver was loaded for the device. */
typedef struct _CRYPTO_STATISTICS {
	ULONG64 Requests; /* that reached the device's queue */
	ULONG64 Bytes; /* processed by the device */
	ULONG64 Commands; /* given to the device; more than requests where some were split */
	ULONG64 WindowCommands; /* of these: whose lists were in the register window */
	ULONG64 Cancelled; /* when the device had them; not those that were still in the queue */
	ULONG64 Failed; /* by an error that the device reported */
	ULONG64 TimedOut; /* the device did not answer in time, and was reset */
	ULONG64 Resets;
	ULONG64 Interrupts;
	ULONG64 OthersInterrupts; /* on a shared line, not from this device */
} CRYPTO_STATISTICS;

/*
 * The key of this handle, for the requests sent after it. It is wiped when the handle is closed. Without one, a cipher
 * fails with ERROR_BAD_COMMAND.
 */
typedef struct _CRYPTO_KEY_VALUE {
	UCHAR Key[CRYPTO_KEY_BYTES];
} CRYPTO_KEY_VALUE;

/*
 * AES-256 in CBC mode with the key of this handle; the data's length is a multiple of 16 and not 0. To go on with a
 * message in a further request, give the last block of ciphertext as its initialisation vector. When a request fails,
 * what the data is then is not defined.
 */
typedef struct _CRYPTO_CIPHER {
	UCHAR Iv[CRYPTO_BLOCK_BYTES];
} CRYPTO_CIPHER;

/*
 * SHA-256 of a message that comes in one or more parts, of any length, 0 included. A handle has one message at a time.
 * From the first part of a message to its last the device serves no other handle, so the parts have to follow one
 * another quickly: when the next one keeps the device waiting for a second, the message is dropped and the part then
 * fails with ERROR_BAD_COMMAND, as every part without CRYPTO_FIRST does that continues nothing.
 */
#define CRYPTO_FIRST 0x1 /* begins a message */
#define CRYPTO_LAST 0x2 /* ends it: IOCTL_CRYPTO_GET_DIGEST has the digest when the request is completed */

typedef struct _CRYPTO_MESSAGE_PART {
	ULONG Flags; /* CRYPTO_FIRST, CRYPTO_LAST */
} CRYPTO_MESSAGE_PART;

/* Of the last message that this handle ended. ERROR_BAD_COMMAND: there is none. */
typedef struct _CRYPTO_DIGEST_VALUE {
	UCHAR Digest[CRYPTO_DIGEST_BYTES];
} CRYPTO_DIGEST_VALUE;

#endif
