#include "observe/options.h"

void observe_options_init(struct observe_options *o)
{
	*o = (struct observe_options){
		.format = OBSERVE_TEXT,
		.decode.string_limit = 32,
		.column = 40,
		.time_precision = PRECISION_S,
		.relative_precision = PRECISION_US,
		.duration_precision = PRECISION_US,
		.statuses = STATUS_ALL,
		.signals = UINT64_MAX,
		.sort = COLUMN_TOTAL_TIME,
		.columns = {COLUMN_TIME_PERCENT, COLUMN_TOTAL_TIME, COLUMN_AVG_TIME, COLUMN_P50, COLUMN_P99, COLUMN_CALLS,
			    COLUMN_ERRORS, COLUMN_NAME},
		.column_count = 8,
	};
}
