/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an instance: create, reset, destroy. */
#include "device/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void release(struct us_device *dev)
{
	us_memories_destroy(dev);
	us_space_destroy(dev);
	free(dev->registers);
	free(dev->causes);
	free(dev->table);
	free(dev->state);
	free(dev);
}

static int build(struct us_device *dev)
{
	int ret;

	dev->state = calloc(1, dev->model->state_size ? dev->model->state_size : 1);
	if (!dev->state)
		return -ENOMEM;
	ret = us_registers_create(dev);
	if (!ret)
		ret = us_memories_create(dev);
	if (!ret)
		ret = us_space_create(dev);
	if (!ret)
		ret = us_interrupts_create(dev);
	if (!ret)
		ret = us_config_create(dev);
	return ret;
}

/* The model's own start. Its last log line is the reason that the user reads. */
static int start(struct us_device *dev, struct us_error *err)
{
	struct us_error said = {""};
	int ret = 0;

	us_registers_reset(dev);
	if (dev->model->create) {
		dev->refusal = &said;
		ret = dev->model->create(dev);
		dev->refusal = NULL;
	}
	if (ret < 0) {
		us_time_stop(dev);
		return us_fail(err, ret, "model '%s' did not start: %s", dev->map->name,
			       *said.text ? said.text : strerror(-ret));
	}
	us_reset(dev, US_RESET_CONVENTIONAL);
	return 0;
}

int us_device_create(const struct us_model *model, const struct us_host *host, struct us_device **out,
		     struct us_error *err)
{
	struct us_device *dev;
	int ret;

	*out = NULL;
	if (model->abi != US_MODEL_ABI)
		return us_fail(err, -EINVAL,
			       "the model was built for interface %u and this library has %u: build it again with the "
			       "headers of this version",
			       model->abi, US_MODEL_ABI);
	ret = us_map_check(model->map, err);
	if (ret)
		return ret;
	dev = calloc(1, sizeof *dev);
	if (!dev)
		return us_fail(err, -ENOMEM, "no memory for an instance of model '%s'", model->map->name);
	dev->model = model;
	dev->map = model->map;
	dev->host = *host;
	dev->alarm = UINT64_MAX;
	ret = build(dev);
	if (ret)
		us_fail(err, ret, "an instance of model '%s' could not be made: %s", model->map->name, strerror(-ret));
	else
		ret = start(dev, err);
	if (ret) {
		release(dev);
		return ret;
	}
	*out = dev;
	return 0;
}

void us_device_destroy(struct us_device *dev)
{
	if (!dev)
		return;
	us_time_stop(dev);
	if (dev->model->destroy)
		dev->model->destroy(dev);
	us_time_stop(dev);
	release(dev);
}

const struct us_map *us_device_map(const struct us_device *dev)
{
	return dev->map;
}

void us_device_trace(struct us_device *dev, bool on)
{
	atomic_store(&dev->trace, on && dev->host.trace);
}

void *us_state(struct us_device *dev)
{
	return dev->state;
}

void us_reset(struct us_device *dev, enum us_reset kind)
{
	static const char *const names[] = {"conventional reset", "function level reset", "reset from D3hot to D0",
					    "reset by the device itself"};

	if (dev->trace)
		us_trace(dev, "%s", names[kind]);
	us_time_stop(dev);
	us_registers_reset(dev);
	if (kind != US_RESET_DEVICE) {
		us_memories_clear(dev);
		us_config_reset(dev, kind);
		us_msix_reset(dev);
	}
	if (kind == US_RESET_CONVENTIONAL) {
		memset(dev->routed, 0, sizeof dev->routed);
		memset(dev->route_masked, 0, sizeof dev->route_masked);
	}
	us_interrupts_update(dev);
	if (!dev->model->reset)
		return;
	dev->resetting++;
	dev->model->reset(dev, kind);
	dev->resetting--;
}

void us_device_reset(struct us_device *dev, enum us_reset kind)
{
	us_reset(dev, kind);
}

void us_reset_registers(struct us_device *dev)
{
	if (dev->resetting)
		us_model_mistake(dev, "us_reset_registers() was called from the reset function itself");
	us_reset(dev, US_RESET_DEVICE);
}

void us_model_mistake(const struct us_device *dev, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "understudy: mistake in model '%s': ", dev->map->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}
