/* fuzz_config.c - the text of flowagent.conf, and every value of it written again. */
#include "config_file.h"
#include "config_life.h"
#include "config_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error_text error;
	struct config_value value;
	struct config config;

	if (!config_init(&config, &error) &&
	    !config_file_parse(&config, "fuzz.conf", data, size, &error) &&
	    !config_finish(&config, &error))
		for (size_t i = 0; i < config_option_count(); i++)
			if (!config_value(&config, i, &value))
				config_value_clear(&value);
	config_clear(&config);
	return 0;
}
