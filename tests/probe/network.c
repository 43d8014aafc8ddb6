// SPDX-License-Identifier: Apache-2.0
// Sockets of all kinds, and reaching what is outside.
#include "probe.h"
#include <arpa/inet.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static const struct {
    const char *name;
    int family;
} families[] = {
    {"unix", AF_UNIX},
    {"inet", AF_INET},
    {"inet6", AF_INET6},
    {"ax25", AF_AX25},
    {"ipx", AF_IPX},
    {"appletalk", AF_APPLETALK},
    {"netrom", AF_NETROM},
    {"x25", AF_X25},
    {"rose", AF_ROSE},
    {"key", AF_KEY},
    {"netlink", AF_NETLINK},
    {"packet", AF_PACKET},
    {"rds", AF_RDS},
    {"llc", AF_LLC},
    {"can", AF_CAN},
    {"tipc", AF_TIPC},
    {"bluetooth", AF_BLUETOOTH},
    {"rxrpc", AF_RXRPC},
    {"phonet", AF_PHONET},
    {"ieee802154", AF_IEEE802154},
    {"caif", AF_CAIF},
    {"alg", AF_ALG},
    {"nfc", AF_NFC},
    {"vsock", AF_VSOCK},
    {"kcm", AF_KCM},
    {"qipcrtr", AF_QIPCRTR},
    {"smc", AF_SMC},
    {"xdp", AF_XDP},
    {"mctp", 45},
    {"decnet", AF_DECnet},
    {"pppox", AF_PPPOX},
    {"isdn", AF_ISDN},
    {"econet", AF_ECONET},
};

static long family_of(const char *name)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (!strcmp(families[i].name, name))
            return families[i].family;
    return strtol(name, NULL, 0);
}

// FAMILY TYPE PROTOCOL, numbers for the last two; bits above the 32nd arrive as they are.
static int n_socket(char **arg)
{
    return verdict(syscall(SYS_socket, family_of(arg[0]), strtol(arg[1], NULL, 0), atol(arg[2])),
                   arg[0]);
}
static int n_pair(char **arg)
{
    int sv[2];
    return verdict(socketpair((int)family_of(arg[0]), SOCK_DGRAM, 0, sv), arg[0]);
}
// All families but those that programs need, one line each.
static int n_families(char **arg)
{
    (void)arg;
    int any = 0;
    for (size_t i = 3; i < sizeof(families) / sizeof(families[0]); i++) {
        static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};
        for (size_t t = 0; t < 4 && families[i].family != AF_NETLINK; t++) {
            int fd = socket(families[i].family, types[t], 0);
            any |= fd >= 0;
            printf("%s %d %s\n", families[i].name, types[t],
                   fd >= 0 ? "worked" : strerrorname_np(errno));
        }
    }
    return any ? 0 : 1;
}

// ADDRESS PORT [MILLISECONDS]
static int n_connect(char **arg)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arg[1]))};
    if (inet_pton(AF_INET, arg[0], &a.sin_addr) != 1)
        return broken("address %s", arg[0]);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), so = 0;
    socklen_t len = sizeof(so);
    if (fd < 0)
        return refused("socket");
    if (!connect(fd, (struct sockaddr *)&a, sizeof(a)))
        return worked("connected");
    if (errno != EINPROGRESS)
        return refused("connect");
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    errno = ETIMEDOUT;
    if (poll(&p, 1, arg[2] ? atoi(arg[2]) : 2000) <= 0)
        return refused("connect");
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &so, &len);
    errno = so;
    return verdict(so ? -1 : 0, "connect");
}

// PORT [MILLISECONDS]: to the machine, by the address that this sandbox's own packets go to.
static int n_gateway(char **arg)
{
    char line[256], address[INET_ADDRSTRLEN] = "";
    FILE *f = fopen("/proc/net/route", "re");
    unsigned to, via;
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "%*s %x %x", &to, &via) == 2 && !to) {
            struct in_addr a = {.s_addr = via};
            inet_ntop(AF_INET, &a, address, sizeof(address));
        }
    if (!*address)
        return broken("no gateway");
    return n_connect((char *[]){address, arg[0], arg[1]});
}

// NAME or PATH: to an abstract name with '@' in front, or a path.
static int n_unix(char **arg)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t n = strlen(arg[0]);
    if (n >= sizeof(a.sun_path))
        return broken("name");
    memcpy(a.sun_path, arg[0], n);
    if (a.sun_path[0] == '@')
        a.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return refused("socket");
    return verdict(
        connect(fd, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
        "connect");
}
static int n_vsock(char **arg)
{
    (void)arg;
    int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return refused("vsock");
    struct sockaddr_vm a = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST, .svm_port = 1024};
    return verdict(connect(fd, (struct sockaddr *)&a, sizeof(a)), "vsock connect");
}
static int n_alg(char **arg)
{
    (void)arg;
    int fd = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return refused("alg");
    struct sockaddr_alg a = {.salg_family = AF_ALG, .salg_type = "hash", .salg_name = "sha1"};
    return verdict(bind(fd, (struct sockaddr *)&a, sizeof(a)), "alg bind");
}
static int n_netlink(char **arg)
{
    return verdict(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, atoi(arg[0])), "netlink");
}

// Ask the kernel, by netlink, to add a dummy interface: needs CAP_NET_ADMIN over this namespace.
static int n_add_link(char **arg)
{
    (void)arg;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return refused("netlink");
    struct {
        struct nlmsghdr h;
        struct ifinfomsg i;
    } req = {.h = {.nlmsg_len = sizeof(req),
                   .nlmsg_type = RTM_NEWLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
             .i = {.ifi_family = AF_UNSPEC, .ifi_index = 1, .ifi_change = IFF_UP}};
    char answer[1024];
    if (send(fd, &req, sizeof(req), 0) < 0)
        return refused("send");
    ssize_t n = recv(fd, answer, sizeof(answer), 0);
    struct nlmsgerr err = {0};
    if (n >= (ssize_t)(NLMSG_HDRLEN + sizeof(err)))
        memcpy(&err, answer + NLMSG_HDRLEN, sizeof(err));
    errno = -err.error;
    return verdict(errno ? -1 : 0, "take lo down");
}
static int n_ioctl_link(char **arg)
{
    (void)arg;
    struct ifreq r = {.ifr_name = "lo", .ifr_flags = 0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return refused("socket");
    return verdict(ioctl(fd, SIOCSIFFLAGS, &r), "take lo down");
}
// The entry of CVE-2021-22555: replacing an iptables table.
static int n_iptables(char **arg)
{
    (void)arg;
    char data[256] = {0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return refused("socket");
    return verdict(setsockopt(fd, IPPROTO_IP, 64 /* IPT_SO_SET_REPLACE */, data, sizeof(data)),
                   "replace an iptables table");
}
static int n_bind(char **arg)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arg[1]))};
    if (inet_pton(AF_INET, arg[0], &a.sin_addr) != 1)
        return broken("address %s", arg[0]);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return refused("socket");
    return verdict(bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1) ? -1 : 0, "bind");
}
// Send a datagram with a forged source: only a raw socket could, and a marked one needs NET_ADMIN.
static int n_mark(char **arg)
{
    (void)arg;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), mark = 7;
    if (fd < 0)
        return refused("socket");
    return verdict(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), "mark packets");
}
static int n_interfaces(char **arg)
{
    (void)arg;
    struct if_nameindex *all = if_nameindex();
    for (struct if_nameindex *i = all; i && i->if_index; i++)
        puts(i->if_name);
    return 0;
}

static const struct probe_row rows[] = {
    {"socket", 3, true, n_socket, "FAMILY TYPE PROTOCOL"},
    {"pair", 1, true, n_pair, "FAMILY"},
    {"families", 0, true, n_families, "every unusual family"},
    {"connect", 2, true, n_connect, "ADDRESS PORT [MILLISECONDS]"},
    {"gateway", 1, true, n_gateway, "PORT [MILLISECONDS]"},
    {"unix", 1, true, n_unix, "@NAME|PATH"},
    {"vsock", 0, true, n_vsock, ""},
    {"alg", 0, true, n_alg, ""},
    {"netlink", 1, true, n_netlink, "PROTOCOL"},
    {"add-link", 0, true, n_add_link, ""},
    {"ioctl-link", 0, true, n_ioctl_link, ""},
    {"iptables", 0, true, n_iptables, ""},
    {"bind", 2, true, n_bind, "ADDRESS PORT"},
    {"mark", 0, true, n_mark, ""},
    {"interfaces", 0, false, n_interfaces, ""},
};

int main(int argc, char **argv)
{
    return probe_main(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
}
