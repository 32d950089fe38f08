/* What a connection to the test hypervisor says of itself. */

#include "world.h"

int main(void)
{
    unsigned long version = 0, library = 0;
    virConnectPtr conn;
    char *text;

    CHECK_INT(virInitialize(), 0);
    CHECK_INT(virInitialize(), 0);
    CHECK_INT(virGetVersion(&library, NULL, NULL), 0);
    CHECK(library >= 9 * 1000000);
    CHECK_INT(library, LIBVIR_VERSION_NUMBER);
    CHECK_INT(virGetVersion(&library, "test", &version), 0);
    CHECK(version > 0);

    conn = open_world(DEFAULT_URI);
    CHECK_STR(virConnectGetType(conn), "TEST");
    CHECK_INT(virConnectGetVersion(conn, &version), 0);
    CHECK_INT(version, 2);
    CHECK_INT(virConnectGetLibVersion(conn, &version), 0);
    CHECK_INT(version, LIBVIR_VERSION_NUMBER);
    CHECK((text = virConnectGetURI(conn)) != NULL);
    CHECK_STR(text, "test:///default");
    free(text);
    CHECK((text = virConnectGetHostname(conn)) != NULL);
    CHECK(*text != '\0');
    free(text);
    CHECK_INT(virConnectIsAlive(conn), 1);
    CHECK_INT(virConnectIsEncrypted(conn), 0);
    CHECK_INT(virConnectIsSecure(conn), 1);
    CHECK_INT(virConnectSetKeepAlive(conn, 5, 3), 0);
    CHECK_INT(virConnectClose(conn), 0);

    CHECK((conn = virConnectOpenAuth(DEFAULT_URI, virConnectAuthPtrDefault, 0)) != NULL);
    CHECK_INT(virConnectClose(conn), 0);
    CHECK((conn = virConnectOpenAuth(DEFAULT_URI, NULL, VIR_CONNECT_RO | VIR_CONNECT_NO_ALIASES)) != NULL);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
