// SPDX-License-Identifier: Apache-2.0
// SOCKS5, RFC 1928.
#include <pinfold/peek.h>

#include <arpa/inet.h>
#include <string.h>

int peek_socks_hello(const unsigned char *p, size_t n, size_t *ret_len, bool *ret_ok)
{
    if (n && p[0] != 5)
        return -1;
    if (n < 2 || n < 2u + p[1])
        return 0;
    *ret_ok = memchr(p + 2, 0, p[1]) != NULL;
    *ret_len = 2u + p[1];
    return 1;
}

int peek_socks(const unsigned char *p, size_t n, struct peek_socks *ret)
{
    if ((n && p[0] != 5) || (n > 2 && p[2]))
        return -1;
    if (n < 5)
        return 0;
    bool name = p[3] == 3;
    size_t len = p[3] == 1 ? 4 : p[3] == 4 ? 16 : name ? p[4] : 0;
    size_t from = name ? 5 : 4;
    if (!len)
        return -1; // an empty name, or an unknown kind of address
    if (n < from + len + 2)
        return 0;
    memset(ret, 0, sizeof(*ret));
    if (name) {
        memcpy(ret->host, p + from, len); // with every byte, NUL too: its length says where it ends
        ret->host_len = len;
    } else {
        (void)inet_ntop(len == 4 ? AF_INET : AF_INET6, p + from, ret->host, sizeof(ret->host));
        ret->host_len = strlen(ret->host);
    }
    ret->command = p[1];
    ret->port = (uint16_t)(p[from + len] << 8 | p[from + len + 1]);
    ret->len = from + len + 2;
    return 1;
}
