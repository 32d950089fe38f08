/* A monitor's socket without any library: the floor that calls are measured beside. */
#ifndef RAW_H
#define RAW_H

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench.h"

/* A conversation; what was read beyond the line that was wanted stays for the next. */
struct raw {
    int fd;
    size_t used;
    char buffer[1 << 20];
};

/* Reads lines until one has both texts in it. */
static inline void raw_await(struct raw *raw, const char *text, const char *other)
{
    char *end;
    ssize_t got;
    int found;

    for (;;) {
        while ((end = memchr(raw->buffer, '\n', raw->used))) {
            *end = 0;
            MUST(!strstr(raw->buffer, "\"error\": {"));
            found = strstr(raw->buffer, text) && strstr(raw->buffer, other);
            raw->used -= (size_t)(end + 1 - raw->buffer);
            memmove(raw->buffer, end + 1, raw->used);
            if (found)
                return;
        }
        MUST((got = read(raw->fd, raw->buffer + raw->used, sizeof(raw->buffer) - raw->used - 1)) > 0);
        raw->used += (size_t)got;
    }
}

/* Sends a command, with a descriptor if there is one. */
static inline void raw_send(struct raw *raw, const char *command, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec part = {(void *)(uintptr_t)command, strlen(command)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    struct cmsghdr *header;

    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
        header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    }
    MUST(sendmsg(raw->fd, &message, 0) == (ssize_t)part.iov_len);
}

/* Sends a command and waits for its answer; events before it are passed over. */
static inline void raw_ask(struct raw *raw, const char *command)
{
    raw_send(raw, command, -1);
    raw_await(raw, "{\"return\"", "");
}

static inline struct raw *raw_open(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct raw *raw = calloc(1, sizeof(*raw));

    MUST(raw && strlen(path) < sizeof(address.sun_path));
    strcpy(address.sun_path, path);
    MUST((raw->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0);
    MUST(connect(raw->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    raw_ask(raw, "{\"execute\":\"qmp_capabilities\"}\n");
    return raw;
}

static inline void raw_close(struct raw *raw)
{
    close(raw->fd);
    free(raw);
}

#endif
