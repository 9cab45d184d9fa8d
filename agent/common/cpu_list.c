/* cpu_list.c - reads /sys/devices/system/cpu/online.
 *
 * Numbers may have gaps, where a CPU was switched off. */
#include "cpu_list.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char ONLINE_FILE[] = "/sys/devices/system/cpu/online";

/* Take a number off '*text'. Returns -1 if there is none that is in range. */
static long take_number(const char **text)
{
	char *end;
	long number;

	if (!isdigit((unsigned char)**text))
		return -1;
	errno = 0;
	number = strtol(*text, &end, 10);
	*text = end;
	return errno || number >= CPU_LIST_MAX ? -1 : number;
}

int cpu_list_parse(const char *text, struct cpu_list *list)
{
	long least = 0;

	list->count = 0;
	for (;; text++) {
		long first = take_number(&text);
		long last = first;

		if (*text == '-') {
			text++;
			last = take_number(&text);
		}
		if (first < least || last < first)
			return -EINVAL;
		for (long number = first; number <= last; number++)
			list->numbers[list->count++] = (uint16_t)number;
		least = last + 1;
		if (*text != ',')
			break;
	}
	return *text == '\0' || *text == '\n' ? 0 : -EINVAL;
}

void cpu_list_online(struct cpu_list *list)
{
	FILE *file = fopen(ONLINE_FILE, "re");
	char line[4096];
	int result = -EINVAL;

	if (file && fgets(line, sizeof(line), file))
		result = cpu_list_parse(line, list);
	if (file)
		(void)fclose(file);
	if (result)
		*list = (struct cpu_list){ .numbers = { 0 }, .count = 1 };
}
