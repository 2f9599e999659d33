// nibble report BENCH.jsonl: what `nibble bench --json` printed, as a table and as a roofline.
#pragma once
#include <string>

namespace nibble::app {

bool is_bench_file(const std::string& path);  // a regular file that ends in .jsonl

// A line of Markdown for each result: operation, shape, variant, threads, rate, share, error.
std::string bench_markdown(const std::string& file);
// Rates over operations a byte, for the least number of threads, under the roofs they were held
// against. `out` ends in .svg or .png.
void draw_roofline(const std::string& file, const std::string& out);

}  // namespace nibble::app
