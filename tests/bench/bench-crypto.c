/* SPDX-License-Identifier: Apache-2.0 */
/* What requests to the crypto device cost, beside libcrypto called directly on the same data. */
#include "bench.h"

#include "crypto.h"
#include "devices/crypto/demo-driver.h"
#include "vfio-user/server.h"

#include <openssl/evp.h>
#include <string.h>

#define SMALL 4096u
#define LARGE (16u << 20)
#define FROM UINT64_C(0x10000000) /* device addresses */
#define TO UINT64_C(0x20000000)

static const uint8_t key[32] = {1, 2, 3}, iv[16] = {4, 5, 6};

struct subject {
	struct drive d;
	uint8_t *from, *to;
	uint8_t code;
};

static void open_subject(struct subject *s, struct us_function *fn, uint8_t code)
{
	void *list, *from, *to;

	s->d.fn = fn;
	s->code = code;
	if (us_fn_dma_alloc(fn, UINT64_C(0x300000000), 2 * DRIVE_LIST * sizeof *s->d.list, 3, &list) ||
	    us_fn_dma_alloc(fn, FROM, LARGE, US_FN_DMA_READ, &from) ||
	    us_fn_dma_alloc(fn, TO, LARGE, US_FN_DMA_READ | US_FN_DMA_WRITE, &to))
		bench_fail("%s", us_fn_error(fn));
	s->d.list = list;
	s->from = from;
	s->to = to;
	for (unsigned i = 0; i < LARGE; i++)
		s->from[i] = (uint8_t)(i * 31 + (i >> 12));
	memset(s->to, 1, LARGE);
	if (drive_begin(&s->d, US_MSI, 4))
		bench_fail("%s", s->d.error);
	drive_key(&s->d, key, iv);
}

/* A request as a driver makes it: registers, command, the interrupt, and the digest read back. */
static void device_digest(void *ctx, unsigned n)
{
	struct subject *s = ctx;
	uint8_t digest[32];

	while (n--) {
		if (drive_small(&s->d, CRYPTO_COMMAND_CODE_DIGEST, FROM, 0, SMALL))
			bench_fail("%s", s->d.error);
		drive_digest(&s->d, digest);
	}
}

static void device_cipher(void *ctx, unsigned n)
{
	struct subject *s = ctx;

	while (n--) {
		unsigned ins = drive_pages(&s->d, false, FROM, LARGE, false);
		unsigned outs = drive_pages(&s->d, true, TO, LARGE, false);

		if (drive_command(&s->d, s->code, ins, outs, LARGE))
			bench_fail("%s", s->d.error);
	}
}

static void direct_digest(void *ctx, unsigned n)
{
	struct subject *s = ctx;
	uint8_t digest[32];

	while (n--)
		if (!EVP_Digest(s->from, SMALL, digest, NULL, EVP_sha256(), NULL))
			bench_fail("libcrypto failed");
}

static void direct_cipher(void *ctx, unsigned n)
{
	struct subject *s = ctx;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int length;

	while (n--)
		if (!c ||
		    !EVP_CipherInit_ex(c, EVP_aes_256_cbc(), NULL, key, iv, s->code == CRYPTO_COMMAND_CODE_ENCRYPT) ||
		    !EVP_CIPHER_CTX_set_padding(c, 0) || !EVP_CipherUpdate(c, s->to, &length, s->from, (int)LARGE))
			bench_fail("libcrypto failed");
	EVP_CIPHER_CTX_free(c);
}

static void compare_cipher(const char *title, struct subject *model, struct subject *served, uint8_t code, double limit)
{
	struct bench_subject subjects[] = {
		{.name = "libcrypto called directly", .run = direct_cipher, .ctx = model, .n = 1, .bytes = LARGE},
		{.name = "model in this process",
		 .run = device_cipher,
		 .ctx = model,
		 .n = 1,
		 .bytes = LARGE,
		 .limit = limit},
		{.name = "over vfio-user, memory shared",
		 .run = device_cipher,
		 .ctx = served,
		 .n = 1,
		 .bytes = LARGE,
		 .limit = limit},
	};

	model->code = served->code = code;
	bench_compare(title, subjects, 3, 15);
	if (memcmp(model->to, served->to, LARGE) != 0)
		bench_fail("model and server do not agree");
}

int main(void)
{
	static struct subject model, served;
	struct bench_subject digests[] = {
		{.name = "libcrypto called directly", .run = direct_digest, .ctx = &model, .n = 300},
		{.name = "model in this process", .run = device_digest, .ctx = &model, .n = 300},
		{.name = "over vfio-user, memory shared", .run = device_digest, .ctx = &served, .n = 30},
	};

	open_subject(&served, bench_served("crypto", US_SERVER_POLL_DEFAULT), 0);
	open_subject(&model, bench_model("crypto"), 0);
	bench_compare("A digest of 4 KiB, whole request", digests, 3, 60);
	for (unsigned i = 0; i < 3; i++)
		printf("  %-46s%10.0f /s\n", digests[i].name, 1e9 / digests[i].median);
	compare_cipher("AES-256-CBC encryption, 16 MiB a request", &model, &served, CRYPTO_COMMAND_CODE_ENCRYPT, 0);
	compare_cipher("AES-256-CBC decryption, 16 MiB a request", &model, &served, CRYPTO_COMMAND_CODE_DECRYPT, 0.9);
	us_fn_close(model.d.fn);
	us_fn_close(served.d.fn);
	return 0;
}
