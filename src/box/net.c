// SPDX-License-Identifier: Apache-2.0
// Network mode full: a veth pair, four addresses of a private /16 for each id range, NAT outward,
// nothing between sandboxes and nothing to this host. The rules are one static table that matches
// our interfaces by name, so a start touches no rule. The pair goes with the namespace: deleting
// it by hand would block for 30 ms in the kernel.
#include "box_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <nftables/libnftables.h>
#include <pinfold/io.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <sched.h>
#include <string.h>

struct net {
    struct nl_sock *sock;
    uint32_t pool; // host byte order
    int own_ns;
};

// The pool is the only value put into the text, printed from four numbers.
static const char rules[] =
    "add table inet pinfold\n"
    "delete table inet pinfold\n"
    "table inet pinfold {\n"
    " chain input { type filter hook input priority -5; policy accept;\n"
    "  iifname \"pf*\" ct state established,related accept\n"
    "  iifname \"pf*\" drop\n }\n"
    " chain forward { type filter hook forward priority -5; policy accept;\n"
    "  iifname \"pf*\" meta nfproto ipv6 drop\n"
    "  iifname \"pf*\" oifname \"pf*\" drop\n"
    "  iifname \"pf*\" ip saddr != %s/16 drop\n"
    "  iifname \"pf*\" ip daddr 169.254.0.0/16 drop\n"
    "  oifname \"pf*\" ct state new drop\n }\n"
    " chain postrouting { type nat hook postrouting priority 100; policy accept;\n"
    "  ip saddr %s/16 oifname != \"pf*\" masquerade\n }\n"
    "}\n";

static int run_rules(const char *text, struct err *e)
{
    struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);
    if (!ctx)
        return err_set(e, ERR_KERNEL, "nftables is not available");
    (void)nft_ctx_buffer_error(ctx);
    int r = nft_run_cmd_from_buffer(ctx, text);
    if (r)
        err_set(e, ERR_KERNEL, "nftables refused our table: %.120s", nft_ctx_get_error_buffer(ctx));
    nft_ctx_free(ctx);
    return r ? -1 : 0;
}

struct net *net_new(const char *pool, struct err *e)
{
    struct in_addr a;
    char text[sizeof(rules) + 64], name[INET_ADDRSTRLEN] = "";
    size_t len = strcspn(pool, "/");
    if (len < sizeof(name))
        memcpy(name, pool, len);
    if (strcmp(pool + len, "/16") || inet_pton(AF_INET, name, &a) != 1 ||
        (ntohl(a.s_addr) & 0xffff)) {
        err_set(e, ERR_BAD_REQUEST, "'%.20s' is not an IPv4 network like 10.213.0.0/16", pool);
        return NULL;
    }
    (void)inet_ntop(AF_INET, &a, name, sizeof(name));
    (void)snprintf(text, sizeof(text), rules, name, name);
    struct net *n = xcalloc(1, sizeof(*n));
    n->pool = ntohl(a.s_addr);
    n->own_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    n->sock = nl_socket_alloc();
    // Forwarding is the host's switch; our chains keep it from serving anything but sandboxes'
    // own connections on pf* interfaces.
    if (n->own_ns < 0 || !n->sock || nl_connect(n->sock, NETLINK_ROUTE) || run_rules(text, e) ||
        io_write_file(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", "1", e)) {
        if (e->code == ERR_NONE)
            err_sys(e, "open the network");
        net_free(n);
        return NULL;
    }
    return n;
}

void net_free(struct net *n)
{
    if (!n)
        return;
    fd_close(&n->own_ns);
    nl_socket_free(n->sock);
    free(n);
}

static int nl_fail(struct err *e, int code, const char *what)
{
    return err_set(e, ERR_KERNEL, "%s: %s", what, nl_geterror(code));
}

// Take away what has the name of a range whose lock we hold: it belongs to nobody that lives.
static int remove_link(struct nl_sock *sock, const char *name)
{
    struct rtnl_link *link = rtnl_link_alloc();
    rtnl_link_set_name(link, name);
    int r = rtnl_link_delete(sock, link);
    rtnl_link_put(link);
    return r == -NLE_NODEV || r == -NLE_OBJ_NOTFOUND ? 0 : r; // it was about to go by itself
}

static int add_pair(struct net *n, const char *name, pid_t pid, struct err *e)
{
    struct rtnl_link *link = rtnl_link_veth_alloc();
    struct rtnl_link *peer = link ? rtnl_link_veth_get_peer(link) : NULL;
    if (!peer)
        return err_set(e, ERR_KERNEL, "no memory for a veth pair");
    rtnl_link_set_name(link, name);
    rtnl_link_set_flags(link, IFF_UP);
    rtnl_link_set_name(peer, "eth0");
    rtnl_link_set_ns_pid(peer, pid);
    int r = rtnl_link_add(n->sock, link, NLM_F_CREATE | NLM_F_EXCL);
    if (r == -NLE_EXIST && (r = remove_link(n->sock, name)) >= 0)
        r = rtnl_link_add(n->sock, link, NLM_F_CREATE | NLM_F_EXCL);
    rtnl_link_put(peer);
    rtnl_link_put(link);
    return r < 0 ? nl_fail(e, r, "make a veth pair") : 0;
}

static int add_address(struct nl_sock *sock, const char *ifname, uint32_t ip, struct err *e)
{
    struct rtnl_link *link = NULL;
    int r = rtnl_link_get_kernel(sock, 0, ifname, &link);
    if (r < 0)
        return nl_fail(e, r, ifname);
    uint32_t be = htonl(ip);
    struct nl_addr *local = nl_addr_build(AF_INET, &be, sizeof(be));
    struct rtnl_addr *addr = rtnl_addr_alloc();
    struct rtnl_link *up = rtnl_link_alloc();
    nl_addr_set_prefixlen(local, 30);
    rtnl_addr_set_ifindex(addr, rtnl_link_get_ifindex(link));
    (void)rtnl_addr_set_local(addr, local); // both are of one family
    rtnl_link_set_flags(up, IFF_UP);
    r = rtnl_addr_add(sock, addr, 0);
    if (r >= 0)
        r = rtnl_link_change(sock, link, up, 0);
    rtnl_link_put(up);
    rtnl_addr_put(addr);
    nl_addr_put(local);
    rtnl_link_put(link);
    return r < 0 ? nl_fail(e, r, "set an address") : 0;
}

static int add_default_route(struct nl_sock *sock, uint32_t gateway, struct err *e)
{
    uint32_t be = htonl(gateway);
    struct rtnl_route *route = rtnl_route_alloc();
    struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
    struct nl_addr *gw = nl_addr_build(AF_INET, &be, sizeof(be));
    struct nl_addr *dst = NULL;
    int r = nl_addr_parse("default", AF_INET, &dst);
    if (r >= 0) {
        rtnl_route_nh_set_gateway(hop, gw);
        rtnl_route_add_nexthop(route, hop); // the route owns it from here
        (void)rtnl_route_set_dst(route, dst);
        r = rtnl_route_add(sock, route, 0);
    }
    nl_addr_put(dst);
    nl_addr_put(gw);
    rtnl_route_put(route);
    return r < 0 ? nl_fail(e, r, "set the default route") : 0;
}

// The inside is set up through a socket that is opened in the sandbox's namespace; the socket
// stays there while this (only) thread is back at once.
static struct nl_sock *socket_inside(struct net *n, pid_t pid, struct err *e)
{
    char path[48];
    (void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
    own_fd int ns = open(path, O_RDONLY | O_CLOEXEC);
    struct nl_sock *sock = nl_socket_alloc();
    if (ns < 0 || !sock || setns(ns, CLONE_NEWNET)) {
        err_sys(e, "enter the sandbox's network");
        nl_socket_free(sock);
        return NULL;
    }
    int r = nl_connect(sock, NETLINK_ROUTE);
    if (setns(n->own_ns, CLONE_NEWNET))
        abort(); // staying in a stranger's network is worse than dying
    if (r < 0) {
        nl_fail(e, r, "open the sandbox's network");
        nl_socket_free(sock);
        return NULL;
    }
    return sock;
}

int net_attach(struct net *n, unsigned slot, pid_t pid, char address[48], struct err *e)
{
    char name[16];
    uint32_t base = n->pool + slot * 4;
    (void)snprintf(name, sizeof(name), "pf%u", slot);
    if (add_pair(n, name, pid, e) || add_address(n->sock, name, base + 1, e))
        return -1;
    struct nl_sock *inside = socket_inside(n, pid, e);
    if (!inside)
        return -1;
    int r = add_address(inside, "eth0", base + 2, e) || add_default_route(inside, base + 1, e);
    nl_socket_free(inside);
    struct in_addr a = {.s_addr = htonl(base + 2)};
    (void)inet_ntop(AF_INET, &a, address, 48);
    return r ? -1 : 0;
}

static bool is_slot(const char *name, uint32_t n_ranges, uint64_t *ret)
{
    return name && !strncmp(name, "pf", 2) && !num_parse_u64(name + 2, 0, n_ranges - 1, ret, NULL);
}

void net_sweep(uint32_t n_ranges)
{
    struct nl_sock *sock = nl_socket_alloc();
    struct nl_cache *links = NULL;
    if (sock && nl_connect(sock, NETLINK_ROUTE) >= 0 &&
        rtnl_link_alloc_cache(sock, AF_UNSPEC, &links) >= 0)
        for (struct nl_object *o = nl_cache_get_first(links); o; o = nl_cache_get_next(o)) {
            struct rtnl_link *link = (struct rtnl_link *)o; // libnl: every link is an object first
            uint64_t slot;
            if (!rtnl_link_is_veth(link) || !is_slot(rtnl_link_get_name(link), n_ranges, &slot))
                continue;
            own_fd int lock = range_lock((uint32_t)slot); // held while it goes
            if (lock >= 0)
                (void)rtnl_link_delete(sock, link);
        }
    if (links)
        nl_cache_free(links);
    nl_socket_free(sock);
}
