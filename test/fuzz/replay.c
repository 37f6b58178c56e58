/* Runs a fuzz target over the files named on the command line, without libFuzzer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "util/file.h"

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct buf data = BUF_INIT;
        if (!file_read(argv[i], &data, 64 << 20)) {
            fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
            return 1;
        }
        LLVMFuzzerTestOneInput(data.data, data.len);
        buf_clear(&data);
    }
    printf("%d inputs\n", argc - 1);
    return 0;
}
