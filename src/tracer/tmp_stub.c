#include "syscalls/decode.h"
#include "observe/recorder.h"
__attribute__((weak)) unsigned decode_enter(struct decode_call *call, const struct decode_options *options, struct decode_source *src, struct printer *p){(void)call;(void)options;(void)src;(void)p;return 0;}
__attribute__((weak)) void decode_exit(const struct decode_call *call, const struct decode_result *result, unsigned first, const struct decode_options *options, struct decode_source *src, struct printer *p){(void)call;(void)options;(void)src;(void)p;(void)result;(void)first;}
__attribute__((weak)) void decode_result_text(const struct decode_call *call, const struct decode_result *result, const struct decode_options *options, struct decode_source *src, struct strbuf *out){(void)call;(void)options;(void)src;(void)result;(void)out;}
__attribute__((weak)) bool decode_needs_source_exit(enum call_id id, const struct decode_options *options){(void)id;(void)options;return false;}
__attribute__((weak)) struct printer *null_printer(void){return 0;}
__attribute__((weak)) void recording_source_init(struct recording_source *s, struct decode_source *live, struct strbuf *log){(void)s;(void)live;(void)log;}
__attribute__((weak)) void recorder_put(struct recorder *r, struct record *head, const void *payload, size_t payload_len){(void)r;(void)head;(void)payload;(void)payload_len;}
