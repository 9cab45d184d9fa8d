/* test_unit_name.c - paths of control groups, as systemd, container engines and others make them.
 */
#include "unit_name.h"

#include "check.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void check(const char *path, const char *expected)
{
	char name[UNIT_NAME_SIZE];

	memset(name, 'x', sizeof(name));
	unit_name_of(path, name);
	CHECK_TEXT(name, expected);
	for (size_t i = strlen(name); i < sizeof(name); i++)
		CHECK_EQ(name[i], 0);
}

TEST(services_and_scopes)
{
	check("/system.slice/nginx.service", "nginx.service");
	check("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service");
	check("/system.slice/nginx.service/worker/7", "nginx.service");
	check("/init.scope", "init.scope");
	check("/machine.slice/machine-web.scope/payload/system.slice/ssh.service",
	      "machine-web.scope");
	check("/user.slice/user-1000.slice/session-3.scope", "user-1000.slice");
	check("/user.slice/user-1000.slice/user@1000.service/app.slice/app.service",
	      "user-1000.slice");
}

TEST(containers)
{
	check("/system.slice/docker-" ID ".scope", "docker-0123456789ab");
	check("/docker/" ID, "docker-0123456789ab");
	check("/docker/" ID "/init.scope", "docker-0123456789ab");
	check("/machine.slice/libpod-" ID ".scope/container", "libpod-0123456789ab");
	check("/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod7.slice/"
	      "cri-containerd-" ID ".scope",
	      "cri-containerd-0123456789ab");
	/* Podman: in a pod, the container's monitor, with cgroupfs, of a user, and of a service of
	 * its own (Quadlet). */
	check("/machine.slice/machine-libpod_pod_" ID ".slice/libpod-" ID ".scope/container",
	      "libpod-0123456789ab");
	check("/machine.slice/libpod-conmon-" ID ".scope", "libpod-conmon-0123456789ab");
	check("/libpod_parent/libpod-" ID "/container", "libpod-0123456789ab");
	check("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID
	      ".scope/container",
	      "libpod-0123456789ab");
	check("/user.slice/user-1000.slice/user@1000.service/app.slice/docker-" ID ".scope",
	      "docker-0123456789ab");
	check("/system.slice/web.service/libpod-payload-" ID, "web.service");
	check("/machine.slice/systemd-nspawn@web.service/payload/init.scope",
	      "systemd-nspawn@web.service");
	check("/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator",
	      "machine-qemu\\x2d1\\x2dvm.scope");
	check("/lxc.payload.mail/system.slice/postfix.service", "lxc-mail");
	check("/lxc.monitor.mail", "lxc.monitor.mail");
	check("/lxc/mail", "lxc-mail");
	check("/system.slice/docker-0123.scope", "docker-0123.scope");
}

TEST(others_have_their_own_name)
{
	check("/openrc.nginx", "openrc.nginx");
	check("/test/svc1", "svc1");
	check("/test/svc1/", "svc1");
	check("/system.slice", "system.slice");
	check("/.service", ".service");
	check("/", "");
	check("", "");
}

TEST(names_are_cut_and_printable)
{
	check("/a-service-with-a-name-that-is-far-too-long.service",
	      "a-service-with-a-name-that-is-f");
	check("/a b\xc3\xa9\n", "a?b???");
	check("/system.slice/a" ID "-" ID ".scope", "a0123456789abcdef0123456789abcd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_and_scopes),
		cmocka_unit_test(containers),
		cmocka_unit_test(others_have_their_own_name),
		cmocka_unit_test(names_are_cut_and_printable),
	};

	return RUN_TESTS(tests);
}
