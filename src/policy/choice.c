#include "policy/choice.h"

size_t choice_tests(const struct call_choice *choice, struct filter_test ret[CHOICE_TESTS_MAX])
{
	if (!choice->values) {
		ret[0] = (struct filter_test){.arg = choice->arg, .op = FILTER_NE, .bits = 64, .mask = UINT64_MAX};
		return 1;
	}
	for (size_t i = 0; i < choice->count; i++)
		ret[i] = (struct filter_test){
			.arg = choice->arg, .op = FILTER_EQ, .bits = 32, .mask = UINT64_MAX, .value = choice->values[i],
		};
	return choice->count;
}
