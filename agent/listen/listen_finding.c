/* listen_finding.c - the table of findings. */
#include "listen_finding.h"

static const struct finding_row {
	const char *name;
	const char *text;
	bool is_fault;
} rows[] = {
#define FAULT                            true
#define NOTE                             false
#define LISTEN_FINDING(name, kind, text) [LISTEN_##name] = { #name, text, kind },
#include "listen_findings.def"
};

const char *listen_finding_name(enum listen_finding finding)
{
	return rows[finding].name;
}

const char *listen_finding_text(enum listen_finding finding)
{
	return rows[finding].text;
}

bool listen_finding_is_fault(enum listen_finding finding)
{
	return rows[finding].is_fault;
}
