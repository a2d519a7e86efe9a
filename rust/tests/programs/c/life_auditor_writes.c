// An auditor of the loader (rtld-audit(7)) that makes a file, by way of the C library of its own namespace.
// build: -shared -fPIC
#include "check.h"

#include <link.h>

unsigned la_version(unsigned version) {
    make_file("audited", "new");
    return version;
}
