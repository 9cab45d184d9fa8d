/* test_place.c - where root acts as the agent's user. Needs root and the user nobody. */
#include "place.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct site {
	char directory[32]; /* root's */
	char theirs[64];    /* in it, nobody's */
	uid_t uid;
};

static bool build(struct site *site)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam("nobody") : NULL;

	if (!user)
		return false;
	site->uid = user->pw_uid;
	(void)snprintf(site->directory, sizeof(site->directory), "/tmp/test_place.XXXXXX");
	assert_non_null(mkdtemp(site->directory));
	CHECK_EQ(chmod(site->directory, 0755), 0);
	(void)snprintf(site->theirs, sizeof(site->theirs), "%s/theirs", site->directory);
	CHECK_EQ(mkdir(site->theirs, 0755), 0);
	CHECK_EQ(chown(site->theirs, user->pw_uid, user->pw_gid), 0);
	return true;
}

static void clear(const struct site *site)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -r %s", site->directory);
	CHECK_EQ(system(command), 0);
}

static const char *in(const char *directory, const char *name)
{
	static char path[2][128];
	static int turn;

	turn = 1 - turn;
	(void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", directory, name);
	return path[turn];
}

/* Make a file as root does. Returns its owner, or a negative errno. */
static int64_t make(const char *path)
{
	struct place place = place_of("nobody");
	struct stat status;
	int descriptor, fault;

	place_enter(&place, path);
	descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	fault = errno;
	place_leave(&place);
	CHECK(!place.is_entered);
	if (descriptor < 0)
		return -fault;
	CHECK_EQ(fstat(descriptor, &status), 0);
	(void)close(descriptor);
	return status.st_uid;
}

TEST(a_file_belongs_to_whom_the_place_belongs_to)
{
	struct site site;

	if (!build(&site))
		skip();
	CHECK_EQ(make(in(site.directory, "file")), 0);
	CHECK_EQ(make(in(site.theirs, "file")), site.uid);
	/* Back again. */
	CHECK_EQ(make(in(site.directory, "another")), 0);
	clear(&site);
}

/* A link of theirs leads root nowhere that they could not go by themselves. */
TEST(a_link_in_their_place_does_not_open_what_is_roots)
{
	struct site site;
	const char *victim;

	if (!build(&site))
		skip();
	victim = in(site.directory, "victim");
	CHECK_EQ(make(victim), 0);
	CHECK_EQ(symlink(victim, in(site.theirs, "link")), 0);
	CHECK_EQ(make(in(site.theirs, "link")), -EACCES);
	/* Nor a directory that is a link of theirs. */
	CHECK_EQ(symlink(site.directory, in(site.theirs, "away")), 0);
	CHECK_EQ(make(in(site.theirs, "away/file")), -EACCES);
	clear(&site);
}

TEST(a_link_of_roots_into_their_place_is_their_place)
{
	struct site site;

	if (!build(&site))
		skip();
	CHECK_EQ(symlink(site.theirs, in(site.directory, "link")), 0);
	CHECK_EQ(make(in(site.directory, "link/file")), site.uid);
	clear(&site);
}

/* In /tmp, say, where everyone may make files but nobody may replace those of others. */
TEST(a_sticky_directory_is_roots_but_for_what_is_theirs)
{
	struct site site;
	char shared[64];

	if (!build(&site))
		skip();
	(void)snprintf(shared, sizeof(shared), "%s/shared", site.directory);
	CHECK_EQ(mkdir(shared, 0), 0);
	CHECK_EQ(chmod(shared, 01777), 0);
	CHECK_EQ(make(in(shared, "file")), 0);
	CHECK_EQ(symlink(in(site.directory, "victim"), in(shared, "link")), 0);
	CHECK_EQ(lchown(in(shared, "link"), site.uid, 0), 0);
	CHECK_EQ(make(in(shared, "link")), -EACCES);
	CHECK_EQ(chmod(shared, 0777), 0);
	CHECK_EQ(make(in(shared, "another")), site.uid);
	clear(&site);
}

TEST(without_the_user_root_is_root)
{
	struct place place = place_of("no-such-user");

	CHECK(!place.has_user);
	place_enter(&place, "/tmp/file");
	CHECK(!place.is_entered);
	CHECK_EQ(place_give(&place, -1), 0);
	place_leave(&place);
	CHECK(!place_of("root").has_user);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_belongs_to_whom_the_place_belongs_to),
		cmocka_unit_test(a_link_in_their_place_does_not_open_what_is_roots),
		cmocka_unit_test(a_link_of_roots_into_their_place_is_their_place),
		cmocka_unit_test(a_sticky_directory_is_roots_but_for_what_is_theirs),
		cmocka_unit_test(without_the_user_root_is_root),
	};

	return RUN_TESTS(tests);
}
