/* The data directory that Bitcoin Core left: opened, checked against its own answers, extended,
 * built anew from its block files. */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/chain_dir.h"
#include "support/vectors.h"
#include "unit.h"

/* Unpacks the archive into the folder; skips the test where it is not there. */
static void unpack(const char *dir)
{
    const char *shared = getenv("MITE_SHARED");
    char *file = path_join(shared ? shared : "../shared", "golden/life-1.tar.xz");
    int status;
    pid_t pid;

    if (!path_exists(file)) {
        printf("not found: %s, test skipped\n", file);
        free(file);
        skip();
    }
    pid = fork();
    if (pid == 0) {
        execlp("tar", "tar", "-C", dir, "-xf", file, (char *)NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    free(file);
}

/* The last answer to a method in the transcript. */
static struct json_object *last_answer(const char *dir, const char *method, const char *with)
{
    char *path = path_join(dir, "transcript.jsonl"), *line, *rest = NULL;
    struct json_object *found = NULL, *o, *m, *text_o, *response, *result;
    struct buf text = BUF_INIT;

    assert_true(file_read(path, &text, (size_t)1 << 26));
    write_u8(&text, 0);
    for (line = strtok_r((char *)text.data, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        o = json_tokener_parse(line);
        if (o && json_object_object_get_ex(o, "method", &m) &&
            strcmp(json_object_get_string(m), method) == 0 && (!with || strstr(line, with)) &&
            json_object_object_get_ex(o, "response", &text_o)) {
            response = json_tokener_parse(json_object_get_string(text_o));
            if (json_object_object_get_ex(response, "result", &result) && result) {
                json_object_put(found);
                found = json_object_get(result);
            }
            json_object_put(response);
        }
        json_object_put(o);
    }
    buf_clear(&text);
    free(path);
    assert_non_null(found);
    return found;
}

static const char *text_of(struct json_object *o, const char *key)
{
    struct json_object *v;

    assert_true(json_object_object_get_ex(o, key, &v));
    return json_object_get_string(v);
}

static void check_against_answers(struct test_chain *t, const char *dir)
{
    struct json_object *set = last_answer(dir, "gettxoutsetinfo", "[\"hash_serialized_3\"]");
    struct coins_stats s = test_chain_stats(t, COINS_HASH_SERIALIZED_3);
    char hex[HASH_HEX_SIZE];

    assert_true(s.ok);
    assert_string_equal(hash_to_hex(hex, chain_tip(t->chain)->h.hash.b), text_of(set, "bestblock"));
    assert_string_equal(hash_to_hex(hex, s.hash), text_of(set, "hash_serialized_3"));
    assert_int_equal(s.txouts, strtoull(text_of(set, "txouts"), NULL, 10));
    assert_int_equal(s.bogosize, strtoull(text_of(set, "bogosize"), NULL, 10));
    json_object_put(set);
}

static void test_golden(void **state)
{
    struct test_chain t;
    char *dir = temp_dir(), *datadir = path_join(dir, "datadir/regtest"), hash[2][HASH_HEX_SIZE];
    struct block_import *imp;
    struct verdict v;
    size_t n;

    (void)state;
    unpack(dir);
    test_chain_init_in(&t, "regtest", 2, datadir);
    t.opts.check_blocks = 0; /* all of them */
    assert_true(test_chain_open(&t));
    check_against_answers(&t, dir);
    free(chain_tips(t.chain, &n));
    assert_true(n >= 2);
    test_chain_coins_hash(&t, hash[0]);
    test_chain_close(&t);
    /* built anew from the block files */
    t.opts.reindex = true;
    assert_true(test_chain_open(&t));
    imp = chain_reindex_start(t.chain);
    assert_non_null(imp);
    chain_import_run(imp);
    chain_import_finish(imp);
    check_against_answers(&t, dir);
    assert_string_equal(test_chain_coins_hash(&t, hash[1]), hash[0]);
    t.opts.reindex = false;
    factory_extend(&t, 5, 0);
    assert_true(chain_invalidate(t.chain, chain_at(t.chain, chain_height(t.chain) - 4), &v));
    assert_string_equal(test_chain_coins_hash(&t, hash[1]), hash[0]);
    test_chain_close(&t);
    assert_true(test_chain_open(&t));
    assert_string_equal(test_chain_coins_hash(&t, hash[1]), hash[0]);
    test_chain_clear(&t);
    free(datadir);
    temp_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
