/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cryptoctl info, stat and reset; and how every verb opens the device.
 */
#include "tool.h"

#include "crypto.h"
#include "say.h"

void complain_of_device(DWORD error)
{
	switch (error) {
	case ERROR_OPERATION_ABORTED:
		if (WaitForSingleObject(interrupted, 0) == WAIT_OBJECT_0)
			complain("interrupted");
		else
			complain_of(error, "the request was cancelled");
		break;
	case ERROR_INVALID_FUNCTION:
	case ERROR_BAD_COMMAND:
		complain_of(error,
			    "the driver took this for no continuation of what went before. When data comes too slowly, "
			    "it gives the device to others: try again, from a faster disk");
		break;
	case ERROR_IO_DEVICE:
		complain_of(
			error,
			"the device failed, and what its driver printed says where; see docs/windows.md, 'Watch it'");
		break;
	case ERROR_SEM_TIMEOUT:
		complain_of(error, "the device did not answer in time and was reset; try again");
		break;
	case ERROR_DEV_NOT_EXIST:
	case ERROR_DEVICE_NOT_CONNECTED:
	case ERROR_DEVICE_REMOVED:
		complain_of(
			error,
			"the device is gone; 'pnputil /enum-devices /class SecurityAccelerator' shows what is left");
		break;
	default:
		complain_of(error, "the request failed");
		break;
	}
}

static BOOL open_as(const struct options *options, BOOL reset, struct crypto_client **client)
{
	DWORD error = crypto_open((unsigned)options->device, reset, client);

	if (error == ERROR_FILE_NOT_FOUND)
		complain("there is no crypto accelerator number %llu, or its driver is not started; "
			 "'pnputil /enum-devices /class SecurityAccelerator' shows them",
			 options->device);
	else if (error == ERROR_ACCESS_DENIED && reset)
		complain_of(error, "cannot open the device; run this as administrator");
	else if (error == ERROR_ACCESS_DENIED)
		complain_of(error,
			    "cannot open the device; it serves who is logged on at the machine, and administrators");
	else if (error)
		complain_of(error, "cannot open the device");
	return !error;
}

BOOL open_client(const struct options *options, struct crypto_client **client)
{
	return open_as(options, FALSE, client);
}

static void say_interrupts(const CRYPTO_INFO *info)
{
	switch (info->Interrupts) {
	case CryptoInterruptsNone:
		say("interrupts       none: the device is not started\n");
		break;
	case CryptoInterruptsLine:
		say("interrupts       a line, which may be shared\n");
		break;
	case CryptoInterruptsOneMessage:
		say("interrupts       one message for all causes\n");
		break;
	case CryptoInterruptsMessages:
		say("interrupts       %lu messages, one for each cause\n", info->Messages);
		break;
	default:
		say("interrupts       %lu, which this program does not know\n", info->Interrupts);
		break;
	}
}

int run_info(const struct options *options)
{
	struct crypto_client *client;
	char command[16], request[16];
	CRYPTO_INFO info;
	DWORD error;

	if (!open_client(options, &client))
		return FAILED;
	error = crypto_get_info(client, &info);
	crypto_close(client);
	if (error) {
		complain_of_device(error);
		return FAILED;
	}
	say("driver           %lu.%lu\n", info.DriverVersion >> 16, info.DriverVersion & 0xFFFF);
	say("device           %lu.%lu\n",
	    (info.DeviceVersion & CRYPTO_VERSION_MAJOR_MASK) >> CRYPTO_VERSION_MAJOR_SHIFT,
	    (info.DeviceVersion & CRYPTO_VERSION_MINOR_MASK) >> CRYPTO_VERSION_MINOR_SHIFT);
	say("functions       %s%s\n", info.Features & CRYPTO_FEATURES_SHA256_MASK ? " SHA-256" : "",
	    info.Features & CRYPTO_FEATURES_AES256_CBC_MASK ? " AES-256-CBC" : "");
	say("longest command  %s\n", bytes_text(command, sizeof(command), info.MaximumCommand));
	say("longest request  %s\n", bytes_text(request, sizeof(request), info.MaximumRequest));
	say_interrupts(&info);
	return DONE;
}

int run_stat(const struct options *options)
{
	struct crypto_client *client;
	CRYPTO_STATISTICS now;
	DWORD error;

	if (!open_client(options, &client))
		return FAILED;
	error = crypto_get_statistics(client, &now);
	crypto_close(client);
	if (error) {
		complain_of_device(error);
		return FAILED;
	}
	say("requests           %20llu\n", now.Requests);
	say("bytes              %20llu\n", now.Bytes);
	say("commands           %20llu\n", now.Commands);
	say("  by window        %20llu\n", now.WindowCommands);
	say("cancelled          %20llu\n", now.Cancelled);
	say("failed             %20llu\n", now.Failed);
	say("timed out          %20llu\n", now.TimedOut);
	say("resets             %20llu\n", now.Resets);
	say("interrupts         %20llu\n", now.Interrupts);
	say("  of others        %20llu\n", now.OthersInterrupts);
	return DONE;
}

int run_reset(const struct options *options)
{
	struct crypto_client *client;
	DWORD error;

	if (!open_as(options, TRUE, &client))
		return FAILED;
	error = crypto_reset(client);
	crypto_close(client);
	if (error)
		complain_of_device(error);
	return error ? FAILED : DONE;
}
