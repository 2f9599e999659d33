# Flags that every target shares, and the flag sets of the ISAs.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
# For the Python extension, and for the library that the programs of ops share.
if(NIBBLE_PYTHON OR NIBBLE_TESTS)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()
# -O2 in every configuration: at -O0 even std::span leaves weak symbols in ISA objects, and -O3
# changes nothing in kernels that are written out.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g")
if(NIBBLE_SANITIZE)
  # Lines are enough for their reports; all of -g is gigabytes, and checks of every load take -O2 a
  # second half of the time of the build.
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")
endif()

add_library(nibble_flags INTERFACE)
target_compile_features(nibble_flags INTERFACE cxx_std_20)
# Contraction would make a result depend on whether the compiler found an fma: we write fma where we
# mean it, so that every ISA computes the same bits.
target_compile_options(nibble_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wno-missing-field-initializers -ffp-contract=off>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${NIBBLE_WERROR}>>:-Werror>)
if(CMAKE_POSITION_INDEPENDENT_CODE)
  # Nobody replaces our functions at load time, so they may be inlined as without -fPIC.
  target_compile_options(nibble_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fno-semantic-interposition>)
endif()
if(NIBBLE_SANITIZE)
  target_compile_options(nibble_flags INTERFACE -fsanitize=${NIBBLE_SANITIZE}
    -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(nibble_flags INTERFACE -fsanitize=${NIBBLE_SANITIZE})
endif()

# One row per ISA list that nibble_op() understands. A file compiled with a set may use all of it,
# so its row in variants.cpp must ask for all of it (Isa::avx2, Isa::avx512, ... mean these sets).
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(NIBBLE_ISAS AVX2 AVX_VNNI AVX512 AVX512_VNNI AVX512_BF16 AVX512_FP16)
  set(NIBBLE_FLAGS_AVX2 -mavx2 -mfma -mf16c -mbmi -mbmi2 -mlzcnt -mpopcnt)
  set(NIBBLE_FLAGS_AVX_VNNI ${NIBBLE_FLAGS_AVX2} -mavxvnni)
  set(NIBBLE_FLAGS_AVX512 ${NIBBLE_FLAGS_AVX2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd
      -mprefer-vector-width=512 -Wno-maybe-uninitialized -Wno-uninitialized)
  set(NIBBLE_FLAGS_AVX512_VNNI ${NIBBLE_FLAGS_AVX512} -mavx512vnni -mavx512vbmi)
  set(NIBBLE_FLAGS_AVX512_BF16 ${NIBBLE_FLAGS_AVX512_VNNI} -mavx512bf16)
  set(NIBBLE_FLAGS_AVX512_FP16 ${NIBBLE_FLAGS_AVX512_VNNI} -mavx512fp16)
else()
  set(NIBBLE_ISAS)
  message(STATUS "nibble: ${CMAKE_SYSTEM_PROCESSOR} has portable variants only")
endif()
