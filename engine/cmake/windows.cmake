# Windows on x86-64, from Linux: MinGW-w64, and wine to run the tests where it is installed. The runtime libraries of the
# compiler are linked in, because wine does not find them.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
find_program(XNORKIT_WINE NAMES wine64 wine)
if(XNORKIT_WINE)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${XNORKIT_WINE})
endif()
