/* fuzz_sock_diag.c - any bytes as the kernel's answer about a socket, and as the path of a control
 * group. Byte order is that of the machine. */
#include "capture_sock_diag_parse.h"
#include "unit_name.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet_owner owner;
	char path[256] = "";
	char name[UNIT_NAME_SIZE];

	(void)capture_sock_diag_parse(data, size, 7, &owner);
	memcpy(path, data, size < sizeof(path) ? size : sizeof(path) - 1);
	unit_name_of(path, name);
	return name[UNIT_NAME_SIZE - 1];
}
