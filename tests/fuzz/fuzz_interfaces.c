/* fuzz_interfaces.c - any bytes as a datagram of rtnetlink, with rules that give several interfaces
 * one number. Byte order is that of the machine. */
#include "interfaces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void named(void *context, const struct interface_name *name)
{
	(void)context;
	if (!name->name[0] || name->name[15] || name->description[31])
		__builtin_trap();
}

static void forgotten(void *context, uint32_t number)
{
	(void)context, (void)number;
}
static void clash(void *context, uint32_t number, const char *name, const char *other)
{
	(void)context, (void)number, (void)name, (void)other;
}
static void full(void *context)
{
	(void)context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct interface_rule list[] = { { "eth", 2, true }, { "lo", 5, false } };
	static const struct interface_rules rules = { list, 2 };
	const struct interfaces_events events = { named, forgotten, clash, full, NULL };
	struct interfaces interfaces;

	interfaces_init(&interfaces, &events, &rules, 10);
	interfaces_dump_begin(&interfaces, 7);
	(void)interfaces_parse(&interfaces, data, size, 0);
	(void)interfaces_parse(&interfaces, data, size, 5);
	interfaces_forget(&interfaces, 12);
	(void)interfaces_number(&interfaces, 2);
	interfaces_clear(&interfaces);
	return 0;
}
