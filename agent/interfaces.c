/* interfaces.c - names of the network interfaces, by if_nameindex(). The alias (ip link set DEV
 * alias TEXT) is the description. */
#include "interfaces.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_description(struct interface_name *name)
{
	char path[64];
	FILE *file;

	(void)snprintf(path, sizeof(path), "/sys/class/net/%.15s/ifalias", name->name);
	file = fopen(path, "re");
	if (file) {
		if (fgets(name->description, sizeof(name->description), file))
			name->description[strcspn(name->description, "\n")] = '\0';
		(void)fclose(file);
	}
	if (!name->description[0])
		memcpy(name->description, name->name, sizeof(name->name));
}

int interfaces_read(struct interface_name **names)
{
	struct if_nameindex *list = if_nameindex();
	int count = 0;

	if (!list)
		return -errno;
	while (list[count].if_index)
		count++;
	*names = calloc((size_t)count + 1, sizeof(**names));
	if (!*names) {
		if_freenameindex(list);
		return -ENOMEM;
	}
	for (int i = 0; i < count; i++) {
		struct interface_name *name = &(*names)[i];

		name->index = list[i].if_index;
		(void)snprintf(name->name, sizeof(name->name), "%s", list[i].if_name);
		read_description(name);
	}
	if_freenameindex(list);
	return count;
}
