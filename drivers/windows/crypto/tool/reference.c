/* SPDX-License-Identifier: Apache-2.0 */
#include "reference.h"

#include <bcrypt.h>

#include <string.h>

BOOL reference_digest(const void *data, DWORD size, UCHAR digest[32])
{
	BCRYPT_ALG_HANDLE algorithm;
	BCRYPT_HASH_HANDLE hash;
	BOOL good = FALSE;

	if (BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, NULL, 0))
		return FALSE;
	if (!BCryptCreateHash(algorithm, &hash, NULL, 0, NULL, 0, 0)) {
		good = !BCryptHashData(hash, (UCHAR *)(ULONG_PTR)data, size, 0) &&
		       !BCryptFinishHash(hash, digest, 32, 0);
		BCryptDestroyHash(hash);
	}
	BCryptCloseAlgorithmProvider(algorithm, 0);
	return good;
}

BOOL reference_cipher(BOOL encrypt, const UCHAR key[32], const UCHAR iv[16], void *data, DWORD size)
{
	BCRYPT_ALG_HANDLE algorithm;
	BCRYPT_KEY_HANDLE handle;
	wchar_t chaining[] = BCRYPT_CHAIN_MODE_CBC;
	UCHAR vector[16], copy[32];
	BOOL good = FALSE;
	ULONG moved = 0;

	memcpy(vector, iv, sizeof(vector)); /* which is changed */
	memcpy(copy, key, sizeof(copy));
	if (BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_AES_ALGORITHM, NULL, 0))
		return FALSE;
	if (!BCryptSetProperty(algorithm, BCRYPT_CHAINING_MODE, (UCHAR *)chaining, sizeof(chaining), 0) &&
	    !BCryptGenerateSymmetricKey(algorithm, &handle, NULL, 0, copy, sizeof(copy), 0)) {
		good = encrypt ? !BCryptEncrypt(handle, data, size, NULL, vector, sizeof(vector), data, size, &moved, 0)
			       : !BCryptDecrypt(handle, data, size, NULL, vector, sizeof(vector), data, size, &moved,
						0);
		BCryptDestroyKey(handle);
	}
	SecureZeroMemory(copy, sizeof(copy));
	BCryptCloseAlgorithmProvider(algorithm, 0);
	return good && moved == size;
}

BOOL reference_random(void *data, DWORD size)
{
	return !BCryptGenRandom(NULL, data, size, BCRYPT_USE_SYSTEM_PREFERRED_RNG);
}
