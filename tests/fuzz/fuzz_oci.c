/* Any bytes as an OCI profile: imported, and what came out loaded, exported and imported again. */
#include "fuzz.h"

#include "policy/oci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_options options = {.any_feature = 1};
	struct strbuf text, profile;
	struct policy *p;
	char message[256] = "";

	strbuf_init(&text);
	strbuf_init(&profile);
	if (oci_import((const char *)data, size, &text, message, sizeof(message)) == 0 &&
	    policy_load_text("fuzz", strbuf_str(&text), text.len, &options, &p) == 0) {
		if (!p->diags->errors && oci_export(p, &profile, message, sizeof(message)) == 0) {
			strbuf_clear(&text);
			if (oci_import(strbuf_str(&profile), profile.len, &text, message, sizeof(message)) < 0)
				abort();	/* what we write we read */
		}
		policy_destroy(p);
	}
	strbuf_finish(&text);
	strbuf_finish(&profile);
	return 0;
}
