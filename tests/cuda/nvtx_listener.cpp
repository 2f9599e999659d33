// What NVTX loads in place of a profiler if NVTX_INJECTION64_PATH says so: prints ranges as they
// begin and end.
#include <nvtx3/nvToolsExt.h>

#include <cstdio>

namespace {

int NVTX_API push(const char* name) { return std::printf("range %s\n", name), 0; }
int NVTX_API pop() { return std::printf("end of range\n"), 0; }

}  // namespace

extern "C" int NVTX_API InitializeInjectionNvtx2(NvtxGetExportTableFunc_t get_table) {
  const auto* callbacks =
      static_cast<const NvtxExportTableCallbacks*>(get_table(NVTX_ETID_CALLBACKS));
  NvtxFunctionTable functions = nullptr;
  unsigned size = 0;
  if (!callbacks || !callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &functions, &size))
    return 0;
  if (size <= NVTX_CBID_CORE_RangePop) return 0;
  *functions[NVTX_CBID_CORE_RangePushA] = reinterpret_cast<NvtxFunctionPointer>(push);
  *functions[NVTX_CBID_CORE_RangePop] = reinterpret_cast<NvtxFunctionPointer>(pop);
  return 1;
}
