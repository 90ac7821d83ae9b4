/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel VFIO player by iommufd, on a kernel that is made up; in the guest it runs on a real one (test-guest). */
#include "made-up.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BY_IOMMUFD "iommufd:" ADDRESS
#define BY_GROUP "group:" ADDRESS

/* -- which way --------------------------------------------------------------------------------------------------- */

static void without_iommufd_the_group_is_taken(void **state)
{
	struct us_function *fn = open_it(ADDRESS);

	(void)state;
	assert_int_equal(kernel.nasked, 0);
	us_fn_close(fn);
}

static void where_the_kernel_has_iommufd_it_is_taken(void **state)
{
	struct us_function *fn;

	(void)state;
	give_iommufd();
	fn = open_it(ADDRESS);
	assert_int_equal(kernel.nasked, 3);
	us_fn_close(fn);
}

static void the_group_is_taken_when_asked_for(void **state)
{
	struct us_function *fn;

	(void)state;
	give_iommufd();
	fn = open_it(BY_GROUP);
	assert_int_equal(kernel.nasked, 0);
	us_fn_close(fn);
}

static void a_kernel_without_groups_has_iommufd_alone(void **state)
{
	struct us_function *fn;

	(void)state;
	give_iommufd();
	remove_node("/vfio/12");
	remove_node("/vfio/vfio");
	fn = open_it(ADDRESS);
	assert_int_equal(kernel.nasked, 3);
	us_fn_close(fn);
}

static void either_half_alone_is_no_iommufd(void **state)
{
	struct us_function *fn;

	(void)state;
	give_iommufd();
	remove_node("/iommu");
	fn = open_it(ADDRESS);
	assert_int_equal(kernel.nasked, 0);
	us_fn_close(fn);
	give_iommufd();
	remove_node("/vfio/devices/vfio3");
	fn = open_it(ADDRESS);
	assert_int_equal(kernel.nasked, 0);
	us_fn_close(fn);
}

static void the_short_address_goes_behind_the_word_too(void **state)
{
	struct us_function *fn;

	(void)state;
	give_iommufd();
	fn = open_it("iommufd:03:00.0");
	assert_int_equal(kernel.nasked, 3);
	us_fn_close(fn);
	refused("iommufd:77:00.0", -ENODEV, "no PCI function 0000:77:00.0", "lspci -D");
}

/* -- ways to fail ------------------------------------------------------------------------------------------------ */

static void asked_for_where_there_is_none_the_sentence_names_the_other_way(void **state)
{
	(void)state;
	refused(BY_IOMMUFD, -ENOENT, "modprobe iommufd", "group:" ADDRESS);
	make_file("/iommu");
	refused(BY_IOMMUFD, -ENOENT, "CONFIG_VFIO_DEVICE_CDEV", "group:" ADDRESS);
}

static void a_missing_permission_names_the_node(void **state)
{
	(void)state;
	give_iommufd();
	kernel.why = EACCES;
	kernel.closed = "/vfio/devices/vfio3";
	refused(BY_IOMMUFD, -EACCES, "no permission", "/vfio/devices/vfio3");
	kernel.closed = "/iommu";
	refused(BY_IOMMUFD, -EACCES, "no permission", "/iommu");
}

static void what_the_kernel_refuses_is_passed_on_in_a_sentence(void **state)
{
	static const struct {
		unsigned long request;
		int why, code;
		const char *words, *more;
	} cases[] = {
		{US_VFIO_BIND, EBUSY, -EBUSY, "IOMMU group 12", "0000:03:00.1 (snd_hda_intel)"},
		{US_VFIO_BIND, EINVAL, -EBUSY, "in use", "/vfio/devices/vfio3"},
		{US_VFIO_BIND, EPERM, -EPERM, "modprobe iommufd allow_unsafe_interrupts=1", "vfio3"},
		{US_VFIO_BIND, EIO, -EIO, "can not bind", "/iommu"},
		{US_IOMMU_ALLOC, ENOMEM, -ENOMEM, "address space", "/iommu"},
		{US_VFIO_ATTACH, EINVAL, -EINVAL, "address space of its own", "vfio3"},
	};

	(void)state;
	give_iommufd();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		kernel.fails = cases[i].request;
		kernel.why = cases[i].why;
		refused(BY_IOMMUFD, cases[i].code, cases[i].words, cases[i].more);
		refused(ADDRESS, cases[i].code, cases[i].words, cases[i].more);
	}
}

static void memory_that_may_not_be_locked_names_the_limit(void **state)
{
	struct us_function *fn;
	void *at;

	(void)state;
	give_iommufd();
	fn = open_it(BY_IOMMUFD);
	kernel.fails = US_IOMMU_MAP;
	kernel.why = ENOMEM;
	assert_refused(fn, us_fn_dma_alloc(fn, 0x1000, 4096, 3, &at), -ENOMEM, "RLIMIT_MEMLOCK");
	kernel.why = EINVAL;
	assert_refused(fn, us_fn_dma_alloc(fn, 0xfee00000, 4096, 3, &at), -EINVAL, "iommu_groups/12/reserved_regions");
	us_fn_close(fn);
}

/* -- what it asks of the kernel ---------------------------------------------------------------------------------- */

static void the_node_is_bound_and_attached_to_an_address_space_of_its_own(void **state)
{
	struct us_function *fn;

	(void)state;
	give_iommufd();
	fn = open_it(BY_IOMMUFD);
	assert_int_equal(kernel.nasked, 3);
	assert_int_equal(kernel.asked[0], US_VFIO_BIND & 0xff);
	assert_int_equal(kernel.asked[1], US_IOMMU_ALLOC & 0xff);
	assert_int_equal(kernel.asked[2], US_VFIO_ATTACH & 0xff);
	us_fn_close(fn);
}

static void memory_is_mapped_where_asked_with_the_rights_asked(void **state)
{
	struct us_function *fn;
	void *at;

	(void)state;
	give_iommufd();
	fn = open_it(BY_IOMMUFD);
	assert_done(fn, us_fn_dma_alloc(fn, 0x123000, 8192, US_FN_DMA_WRITE, &at));
	assert_int_equal(kernel.iommu_map.iova, 0x123000);
	assert_int_equal(kernel.iommu_map.length, 8192);
	assert_int_equal(kernel.iommu_map.flags, US_IOMMU_FIXED | US_IOMMU_WRITE);
	assert_true(kernel.iommu_map.at == (uintptr_t)at);
	assert_done(fn, us_fn_dma_alloc(fn, 0x200000, 4096, US_FN_DMA_READ, &at));
	assert_int_equal(kernel.iommu_map.flags, US_IOMMU_FIXED | US_IOMMU_READ);
	assert_done(fn, us_fn_dma_unmap(fn, 0, 0x200000));
	assert_int_equal(kernel.iommu_unmap.iova, 0x123000);
	assert_int_equal(kernel.iommu_unmap.length, 8192);
	assert_int_equal(kernel.map.size, 0); /* and nothing of a container's */
	us_fn_close(fn);
}

/* The numbers are the kernel's: _IO(VFIO_TYPE, …) and _IO(IOMMUFD_TYPE, …) of Linux 6.6 and later. */
static void the_requests_are_the_kernels(void **state)
{
	(void)state;
	assert_int_equal(US_VFIO_BIND, 0x3b76);
	assert_int_equal(US_VFIO_ATTACH, 0x3b77);
	assert_int_equal(US_IOMMU_ALLOC, 0x3b81);
	assert_int_equal(US_IOMMU_MAP, 0x3b85);
	assert_int_equal(US_IOMMU_UNMAP, 0x3b86);
	assert_int_equal(sizeof(struct us_vfio_bind), 16);
	assert_int_equal(sizeof(struct us_vfio_attach), 12);
	assert_int_equal(sizeof(struct us_iommu_alloc), 12);
	assert_int_equal(sizeof(struct us_iommu_map), 40);
	assert_int_equal(sizeof(struct us_iommu_unmap), 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_iommufd_the_group_is_taken),
		TEST(where_the_kernel_has_iommufd_it_is_taken),
		TEST(the_group_is_taken_when_asked_for),
		TEST(a_kernel_without_groups_has_iommufd_alone),
		TEST(either_half_alone_is_no_iommufd),
		TEST(the_short_address_goes_behind_the_word_too),
		TEST(asked_for_where_there_is_none_the_sentence_names_the_other_way),
		TEST(a_missing_permission_names_the_node),
		TEST(what_the_kernel_refuses_is_passed_on_in_a_sentence),
		TEST(memory_that_may_not_be_locked_names_the_limit),
		TEST(the_node_is_bound_and_attached_to_an_address_space_of_its_own),
		TEST(memory_is_mapped_where_asked_with_the_rights_asked),
		TEST(the_requests_are_the_kernels),
	};
	int failed;

	if (!made_up_begin())
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	made_up_end();
	return failed;
}
