/* SPDX-License-Identifier: Apache-2.0 */
/* Where models come from: those linked in, by name; a shared object, by path. */
#include "device/builtin.h"
#include "device/private.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int check(const struct us_model *model, const char *from, struct us_error *err)
{
	struct us_error why;
	int ret;

	if (model->abi != US_MODEL_ABI)
		return us_fail(err, -EINVAL,
			       "%s was built for model interface %u and this is %u: build it again with the headers of "
			       "this version",
			       from, model->abi, US_MODEL_ABI);
	ret = us_map_check(model->map, &why);
	return ret ? us_fail(err, ret, "%s: %s", from, why.text) : 0;
}

static int load(const char *path, const struct us_model **model, struct us_error *err)
{
	const struct us_model *found;
	void *object;
	int ret;

	if (access(path, R_OK))
		return us_fail(err, -errno, "%s can not be read: %s; name the shared object of a model, or a model by its name",
			       path, strerror(errno));
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!object)
		return us_fail(err, -ENOEXEC, "this is no shared object that can be loaded: %s", dlerror());
	found = dlsym(object, "us_model");
	if (!found) {
		dlclose(object);
		return us_fail(err, -ENOENT, "%s defines no us_model: a model ends with US_MODEL(...)", path);
	}
	ret = check(found, path, err);
	if (ret)
		dlclose(object);
	else
		*model = found; /* the object stays loaded: instances may outlive whoever asked */
	return ret;
}

static int find_builtin(const char *name, const struct us_model **model, struct us_error *err)
{
	char known[256] = "";
	size_t length = 0;

	for (const struct us_model *const *m = us_builtin_models; *m; m++) {
		if (!strcmp((*m)->map->name, name)) {
			*model = *m;
			return 0;
		}
		if (length < sizeof known)
			length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", length ? ", " : "",
						   (*m)->map->name);
	}
	return us_fail(err, -ENOENT,
		       "there is no model '%s': it is one of %s, or the path of a shared object (./%s.so)", name,
		       *known ? known : "none", name);
}

int us_model_find(const char *name_or_path, const struct us_model **model, struct us_error *err)
{
	*model = NULL;
	if (strchr(name_or_path, '/'))
		return load(name_or_path, model, err);
	return find_builtin(name_or_path, model, err);
}
