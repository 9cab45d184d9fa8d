/* agentctl_fixture.h - command lines of agentctl against a control server with a pipeline without
 * threads; the server runs in a thread of its own.
 *
 * For tests of agentctl, each of which includes this once. */
#ifndef AGENTCTL_FIXTURE_H
#define AGENTCTL_FIXTURE_H

#include "agentctl.h"
#include "check.h"
#include "control_server.h"
#include "fake_pipeline.c"

#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORDS 24

struct agent {
	char directory[64];
	char path[108];
	struct pipeline pipeline;
	struct config config;
	struct control_context context;
	int descriptor;
	int stop; /* eventfd */
	pthread_t thread;
};

static inline int on_stop(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	(void)descriptor;
	(void)events;
	(void)context;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static inline void *serve(void *context)
{
	struct agent *agent = context;
	struct control_server *server;
	struct error_text error;
	sd_event *loop;

	assert_true(sd_event_new(&loop) >= 0);
	server = control_server_create(loop, agent->descriptor, &agent->context, &error);
	assert_non_null(server);
	assert_true(sd_event_add_io(loop, NULL, agent->stop, EPOLLIN, on_stop, NULL) >= 0);
	assert_true(sd_event_loop(loop) >= 0);
	control_server_destroy(server);
	sd_event_unref(loop);
	return NULL;
}

static inline void agent_prepare(struct agent *agent)
{
	memset(agent, 0, sizeof(*agent));
	strcpy(agent->directory, "/tmp/test_agentctl.XXXXXX");
	assert_non_null(mkdtemp(agent->directory));
	(void)snprintf(agent->path, sizeof(agent->path), "%s/control.sock", agent->directory);
	agent->config.export_version = 9;
	agent->config.max_flows = 65536;
	agent->context = (struct control_context){ .pipeline = &agent->pipeline,
						   .config = &agent->config,
						   .started_unix_ms = 1795375020114 };
}

static inline void agent_start(struct agent *agent)
{
	struct error_text error;

	agent->descriptor = control_server_bind(agent->path, NULL, &error);
	assert_true(agent->descriptor >= 0);
	agent->stop = eventfd(0, EFD_CLOEXEC);
	CHECK_EQ(pthread_create(&agent->thread, NULL, serve, agent), 0);
}

static inline void agent_stop(struct agent *agent)
{
	CHECK_EQ(eventfd_write(agent->stop, 1), 0);
	CHECK_EQ(pthread_join(agent->thread, NULL), 0);
	(void)close(agent->stop);
	CHECK_EQ(rmdir(agent->directory), 0);
}

/* Text that was written to a memory file. */
static inline char *content(int descriptor)
{
	struct stat status;
	char *text;

	CHECK_EQ(fstat(descriptor, &status), 0);
	text = calloc(1, (size_t)status.st_size + 1);
	assert_non_null(text);
	CHECK_EQ(pread(descriptor, text, (size_t)status.st_size, 0), status.st_size);
	return text;
}

/* Run a command line, split at spaces. Output and errors are for free(). */
static inline int run(const struct agent *agent, const char *line, char **output, char **errors)
{
	char copy[500];
	char *words[WORDS] = { (char *)(uintptr_t) "agentctl", (char *)(uintptr_t) "-s",
			       (char *)(uintptr_t)agent->path };
	int count = 3;
	char *save = NULL;
	int files[2] = { memfd_create("out", 0), memfd_create("err", 0) };
	int kept[2] = { dup(STDOUT_FILENO), dup(STDERR_FILENO) };
	int result;

	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		assert_true(count + 1 < WORDS);
		words[count++] = word;
	}
	(void)fflush(stdout);
	(void)dup2(files[0], STDOUT_FILENO);
	(void)dup2(files[1], STDERR_FILENO);
	result = (int)agentctl_main(count, words);
	(void)fflush(stdout);
	for (int i = 0; i < 2; i++)
		(void)dup2(kept[i], i ? STDERR_FILENO : STDOUT_FILENO);
	*output = content(files[0]);
	*errors = content(files[1]);
	for (int i = 0; i < 2; i++) {
		(void)close(files[i]);
		(void)close(kept[i]);
	}
	return result;
}

/* Run and compare status and whole output; 'fault' must be in the errors, or none if NULL. */
static inline void expect(const struct agent *agent, const char *line, int status,
			  const char *output, const char *fault)
{
	char *got;
	char *errors;
	int result = run(agent, line, &got, &errors);

	if (result != status)
		fail_msg("%s: status %d, not %d: %s", line, result, status, errors);
	if (output)
		CHECK_TEXT(got, output);
	if (fault ? !strstr(errors, fault) : *errors != '\0')
		fail_msg("%s: \"%s\" is not in: %s", line, fault ? fault : "", errors);
	free(got);
	free(errors);
}

#endif
