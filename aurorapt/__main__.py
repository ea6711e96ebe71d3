from aurorapt.cli import main

main()
