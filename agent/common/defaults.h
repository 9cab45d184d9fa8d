/* defaults.h - names, paths and numbers that daemon, agentctl, rules and package must agree on.
 *
 * Place: included wherever one of them is needed; no code.
 *
 * Macros, because they are parts of literals. */
#ifndef DEFAULTS_H
#define DEFAULTS_H

#define DEFAULT_USER             "_flowagent" /* and group */
#define DEFAULT_CONTROL_SOCKET   "/run/flowagent/control.sock"
#define DEFAULT_CONFIG_FILE      "/etc/flowagent/flowagent.conf"
#define DEFAULT_CONFIG_DIRECTORY "/etc/flowagent/conf.d" /* what an operator writes */
#define DEFAULT_ENVIRONMENT_FILE "/etc/default/flowagent" /* of the service */
#define DEFAULT_JOURNAL_SOCKET   "/run/systemd/journal/socket"
#define DEFAULT_RULES_FILE       "/etc/flowagent/rules.nft"
#define DEFAULT_IPTABLES_FILE    "/etc/flowagent/rules.iptables"
#define DEFAULT_NFLOG_GROUP      40  /* read when no source is configured */
#define DEFAULT_SNAPLEN          128 /* IPv6 with an extension header and TCP */

/* Of an instance of flowagent@.service: before and after its name. */
#define INSTANCE_SOCKET_DIRECTORY "/run/flowagent-"
#define INSTANCE_SOCKET_NAME      "/control.sock"

/* Netfilter mark of the agent's own datagrams: its rules do not log them. As nft prints it. */
#define DEFAULT_MARK      0x0000f10a
#define DEFAULT_MARK_TEXT DEFAULT_TEXT_OF(DEFAULT_MARK)

#define DEFAULT_TEXT_OF(macro)    DEFAULT_TEXT_OF_(macro)
#define DEFAULT_TEXT_OF_(literal) #literal

#endif
