# macOS on arm64, from Linux: the compiler of the package ziglang, which brings the system's headers. Nothing runs here.
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR arm64)
set(CMAKE_CXX_COMPILER ${XNORKIT_ZIG} c++ -target aarch64-macos)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES XNORKIT_ZIG)
