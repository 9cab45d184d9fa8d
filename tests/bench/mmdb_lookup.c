/* mmdb_lookup.c - look-ups in a MaxMind database, as a program with libmaxminddb would do them.
 *
 * usage: mmdb_lookup FILE    standard input has an address a line; for each its AS number, 0 if
 * there is none
 *
 * look_up() is what callgrind counts: the walk, and taking the number out of the record. */
#include <arpa/inet.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static int parse(const char *text, struct sockaddr_storage *address)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	address->ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton(address->ss_family, text,
			 address->ss_family == AF_INET ? (void *)&in4->sin_addr
						       : (void *)&in6->sin6_addr);
}

__attribute__((noinline)) static unsigned int look_up(const MMDB_s *database,
						      const struct sockaddr *address)
{
	MMDB_entry_data_s data;
	int fault = 0;
	MMDB_lookup_result_s found = MMDB_lookup_sockaddr(database, address, &fault);

	if (fault || !found.found_entry ||
	    MMDB_get_value(&found.entry, &data, "autonomous_system_number", NULL) != MMDB_SUCCESS ||
	    !data.has_data)
		return 0;
	return data.uint32;
}

int main(int argc, char **argv)
{
	MMDB_s database;
	char line[128];

	if (argc != 2 || MMDB_open(argv[1], MMDB_MODE_MMAP, &database) != MMDB_SUCCESS)
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		struct sockaddr_storage address;

		line[strcspn(line, "\n")] = '\0';
		if (parse(line, &address) != 1)
			return 1;
		printf("%u\n", look_up(&database, (const struct sockaddr *)&address));
	}
	MMDB_close(&database);
	return 0;
}
