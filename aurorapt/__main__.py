from aurorapt.cli.main import main

main()
